// The unit as it stands. What I read keeps its place: who comes new is put below, who goes stays until I have looked.

import { amendKeys } from './amend.js';
import { desk, isInsider, isManager, look, mayHandOver, refresh, unitName, units } from './desk.js';
import { h, keep, put } from './dom.js';
import { begunLines, here, lineMark } from './keys.js';
import { needKeys } from './needs.js';
import { n, t } from './words.js';
import { isPast, time } from './times.js';
import { alsoRow, alsoRows, arriving, dueRow, everyone, newsRow, openNeeds, personRow, wingRow } from './rows.js';

const SOON_H = 12;

const isSoon = (one) => one.promised || one.urgency === 'NOW' || one.urgency === 'THIS_SHIFT' || (one.due_at && new Date(one.due_at) - Date.now() < SOON_H * 3600e3);

export function unit(main, go) {
  let order = [];
  let standing = new Map();
  let mark = null;
  const parts = {};
  for (const name of ['needs', 'due', 'also', 'news', 'all']) {
    parts[name] = { title: h('h2', { id: `h-${name}` }), list: h(name === 'all' ? 'ul' : 'ol', { class: `list ${name}`, 'aria-labelledby': `h-${name}` }), more: h('div') };
  }
  const read = h('button', { type: 'button', onclick: looked, hidden: true }, h('kbd', { class: 'letter' }, 'R'), ' ', t('I have read it'));
  const section = (name) => h('section', { class: `part ${name}`, 'aria-labelledby': `h-${name}` }, parts[name].title, name === 'news' && read, parts[name].more, parts[name].list);
  put(main, h('div', { class: 'unit' }, h('div', { class: 'left' }, section('needs'), section('due'), section('also')), section('news'), section('all')));

  // What I began to type at the foot and did not send: asked again, it stands there again.
  async function begun() {
    mark = lineMark();
    const lines = await begunLines().catch(() => []);
    put(parts.due.more, lines.map((one) => h('p', {}, t('Begun, not sent: {asked} “{text}”', one), ' ', h('button', { type: 'button', onclick: () => one.drop().then(begun) }, t('throw away')))));
  }

  function update() {
    const { sheet } = desk;
    if (mark !== lineMark()) begun();
    put(parts.needs.title, t('needs you'), sheet ? ` (${sheet.people.length + standingWing(sheet).length})` : '');
    if (!sheet) {
      put(parts.needs.more, (desk.closed || !desk.unit) && h('p', { class: 'quiet' }, t('Your role reads no sheet. Notes can be written here: W, then the number of the person.')));
      return;
    }
    needs(sheet);
    due(sheet);
    also(sheet);
    newsUpdate();
    all(sheet);
  }

  function needs(sheet) {
    const people = new Map(sheet.people.map((one) => [one.inmate, one]));
    if (!order.length) order = sheet.people.map((one) => one.inmate);
    for (const number of people.keys()) if (!order.includes(number)) order.push(number);
    for (const one of sheet.people) standing.set(one.inmate, one);
    const wing = standingWing(sheet).map((one) => ({ key: `w${one.id}`, signature: JSON.stringify(one), value: { wing: one } }));
    const rows = order.filter((number) => people.has(number) || standing.has(number)).map((number) => {
      const person = people.get(number) || standing.get(number);
      const gone = !people.has(number);
      return { key: number, signature: JSON.stringify([person, gone]), value: { person, gone } };
    });
    keep(parts.needs.list, [...wing, ...rows], ({ wing: one, person, gone }) => (one ? wingRow(one) : personRow(person, gone, () => go.show('person', person.inmate))));
    const none = isInsider() ? t('Nobody on this unit needs attention, as far as the notes say.') : t('No note that you may read asks for attention here. There may be others.');
    put(parts.needs.more, !wing.length && !rows.length && h('p', { class: 'quiet' }, none), arriving(sheet).map((one) =>
      h('p', { class: 'late' }, t('{who} is on the way to you from {unit}', { who: one.name, unit: unitName(one.from.unit) }), handsOver() && `. ${t('T: what comes along, and accept it.')}`)));
  }

  function due(sheet) {
    const names = new Map(sheet.people.map((one) => [one.inmate, one]));
    const soon = openNeeds(sheet).filter(isSoon);
    soon.sort((a, b) => ((a.due_at || '9') < (b.due_at || '9') ? -1 : 1));
    put(parts.due.title, t('due this shift, or promised'), ` (${soon.length})`);
    keep(parts.due.list, soon.map((one) => ({ key: one.id, signature: JSON.stringify([one, one.due_at && isPast(one.due_at)]), value: one })), (one) => dueRow(one, names.get(one.inmate)));
  }

  // What came late, what is about the unit itself, who came and who went.
  function also(sheet) {
    const rows = alsoRows(sheet, new Set(standingWing(sheet).map((one) => one.id)), sheet.wing_needs.filter((one) => !isSoon(one)));
    put(parts.also.title, t('about the unit, and late'), ` (${rows.length})`);
    parts.also.title.parentElement.hidden = !rows.length;
    keep(parts.also.list, rows.map((one) => ({ key: one.key, signature: JSON.stringify(one), value: one })), alsoRow);
  }

  function newsUpdate() {
    const fresh = desk.news.filter((one) => one.unit === desk.unit);
    const elsewhere = units().map((one) => [one, desk.news.filter((item) => item.unit === one.code).length]).filter(([one, count]) => count && one.code !== desk.unit);
    put(parts.news.title, t('since you last looked'), ` (${fresh.length})`);
    read.hidden = !fresh.length;
    put(parts.news.more,
      desk.missed && h('p', { class: 'late' }, t('The server could not go on from where this screen was: news from before {time} may be missing here. The sheet is complete.', { time: time(new Date(desk.missed).toISOString()) })),
      desk.left > 0 && h('p', {}, n('and {n} older, not shown', 'and {n} older, not shown', desk.left)),
      elsewhere.map(([one, count]) => h('p', {}, `${one.name}: `, n('{n} new', '{n} new', count))));
    keep(parts.news.list, fresh.slice(0, 60).map((one) => ({ key: one.id, signature: JSON.stringify(one.say()), value: one })), newsRow); // who is who may be known only now
  }

  function all(sheet) {
    const unseen = new Map(sheet.not_observed.map((one) => [one.inmate, one]));
    const people = [...sheet.people, ...sheet.others].sort((a, b) => ((a.cell || '~') + a.name < (b.cell || '~') + b.name ? -1 : 1));
    put(parts.all.title, t('everyone'), ` (${people.length}) · `, n('{n} not observed this shift', '{n} not observed this shift', unseen.size), !isInsider() && `, ${t('as far as you may read')}`);
    put(parts.all.more, sheet.in_transit.length > 0 && h('p', {}, t('On the way: '), sheet.in_transit.map((one) => `${one.name} (${unitName(one.from.unit)} → ${unitName(one.to.unit)})`).join(', ')));
    keep(parts.all.list, people.map((one) => ({ key: one.inmate, signature: JSON.stringify([one.cell, one.name, one.changes, unseen.get(one.inmate)]), value: one })), (one) => everyone(one, unseen.get(one.inmate), () => go.show('person', one.inmate)));
  }

  function looked() {
    order = [];
    standing = new Map();
    look();
    refresh();
  }

  const handsOver = () => go.has('handover') && mayHandOver();
  const about = () => (here() && here().dataset.inmate) || null;

  return {
    update,
    keys: () => [
      go.has('write') && { key: 'w', label: t('write'), strong: true, run: () => go.show('write', about()) },
      handsOver() && desk.sheet && { key: 't', label: t('hand over or take over'), strong: /OFFERED|OVERDUE|ESCALATED/.test(desk.sheet.handover.state), run: () => go.show('handover') },
      go.has('person') && { key: 'enter', label: t('open'), on: (line) => line.inmate, run: () => about() && go.show('person', about()) },
      ...needKeys(go, refresh),
      ...amendKeys(go, refresh),
      go.has('handover') && { key: 'r', label: t('I have read the news'), run: looked },
      go.has('find') && { key: '/', label: t('find'), run: () => go.show('find') },
      go.has('paper') && { key: 'p', label: t('print'), run: () => go.show('paper') },
      go.has('practice') && { key: 'x', label: t('practise'), run: () => go.show('practice') },
      go.has('house') && isManager() && { key: 'h', label: t('whole prison'), run: () => go.show('house') },
    ],
  };
}

function standingWing(sheet) {
  const incidents = sheet.incidents.map((one) => ({ id: one.incident, incident: one, note: one.began }));
  const began = new Set(incidents.map((one) => one.id));
  const live = sheet.wing_notes.filter((note) => !began.has(note.id) && note.attention !== 'ROUTINE' && !isPast(note.attention_until));
  return [...incidents, ...live.map((note) => ({ id: note.id, note }))];
}
