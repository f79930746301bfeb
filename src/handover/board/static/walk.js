// What is handed over, person by person, the most urgent first; and the questions about it.

import { h } from './dom.js';
import { desk, unitName, whom } from './desk.js';
import { get } from './session.js';
import { n, t } from './words.js';
import { isPast, time } from './times.js';
import * as phrases from './phrases.js';
import { shapes } from './rows.js';

// [{inmate, notes: [ids], needs: [ids]}], the unit itself last.
export function groups(handover) {
  const found = new Map();
  for (const item of [...handover.items, ...handover.attention]) {
    const key = item.inmate || '';
    const group = found.get(key) || { inmate: item.inmate, notes: new Set(), needs: new Set(), late: false };
    if (item.note) group.notes.add(item.note);
    if (item.need) group.needs.add(item.need);
    group.late = group.late || item.late;
    found.set(key, group);
  }
  const order = (desk.sheet ? desk.sheet.people : []).map((one) => one.inmate);
  const place = (one) => (one.inmate === null ? 9e6 : order.includes(one.inmate) ? order.indexOf(one.inmate) : 9e5);
  return [...found.values()].sort((a, b) => place(a) - place(b) || whom(a.inmate).localeCompare(whom(b.inmate)));
}

export const concerns = (query, group) => (query.note && group.notes.has(query.note)) || (query.need && group.needs.has(query.need));

// What is shown of it; `unread`: its notes that could not be had, `again` asks for them once more.
export async function itemCard(group, again) {
  const { sheet } = desk;
  const person = sheet && sheet.people.find((one) => one.inmate === group.inmate);
  const known = (person ? person.notes : (sheet ? sheet.wing_notes : [])).filter((note) => !desk.unsaid.has(note.id));
  const missing = [...group.notes].filter((id) => !known.some((note) => note.id === id) && !desk.unsaid.has(id));
  const fetched = await Promise.all(missing.map((id) => get(`/v1/notes/${id}`).catch(() => null)));
  const unread = missing.filter((id, place) => !fetched[place]);
  const notes = [...known.filter((note) => group.notes.has(note.id) || group.notes.has(note.supersedes)), ...fetched.filter((note) => note && note.status === 'ACTIVE' && !desk.unsaid.has(note.id))];
  const allNeeds = person ? person.needs : (sheet ? sheet.wing_needs : []);
  const needs = allNeeds.filter((one) => group.needs.has(one.id) || one.status === 'OPEN');
  const head = person ? `${person.cell || ''} ${person.name}` : whom(group.inmate);
  const why = person ? ['RAN_OUT', 'WORSE_TWICE'].filter((rule) => person.reasons.some((one) => one.rule === rule)).map((rule) => phrases.RULES[rule]()) : [];
  const card = h('div', {},
    h('h2', {}, group.inmate ? head : t('{unit} itself', { unit: unitName(desk.unit) }), ' ', person && h('b', {}, phrases.attention(person)), ' ', person && h('span', { class: 'shape' }, shapes(person.changes))),
    notes.length ? notes.map((note) => h('div', {},
      h('p', {}, phrases.gist(note), note.fact && phrases.state(note) ? ` (${phrases.state(note)})` : '', ' ', h('span', { class: 'by' }, phrases.source(note))),
      note.late && h('p', { class: 'late' }, phrases.late(note)),
      note.opinion && h('p', { class: 'opinion' }, phrases.opinion(note)),
      note.responses.length > 0 && h('p', {}, t('did: '), note.responses.map(phrases.did).join(', ')))) : !unread.length && h('p', { class: 'quiet' }, t('Nothing new since the last handover.')),
    unread.length > 0 && h('p', { class: 'late' }, n('{n} note that is handed over could not be read.', '{n} notes that are handed over could not be read.', unread.length), ' ', h('button', { type: 'button', onclick: again }, t('try again'))),
    !notes.length && !unread.length && known.slice(0, 1).map((note) => h('p', {}, t('earlier: '), phrases.gist(note), ' ', h('span', { class: 'by' }, phrases.source(note)))),
    why.length > 0 && h('p', { class: 'why' }, why.join('; ')),
    person && person.if_then.map((one) => h('p', { class: 'then' }, t('if it happens: '), one.text)),
    needs.map((one) => h('p', {}, t('open: '), phrases.need(one), one.due_at && isPast(one.due_at) ? h('b', { class: 'late' }, ` · ${t('OVERDUE')}`) : '', ' ', h('span', { class: 'by' }, `${phrases.staff(one.opened_by)}, ${time(one.opened_at)}`, one.carried && one.carried.length ? ` · ${n('carried over {n} time', 'carried over {n} times', one.carried.length)}` : ''))),
    person && person.worked.slice(0, 2).map((one) => h('p', { class: 'worked' }, t('worked: '), phrases.did(one), one.fact ? `: ${one.fact}` : '')));
  return { card, unread };
}

export function queryCard(query, answer) {
  return h('div', { class: 'prompt' },
    h('p', {}, h('strong', {}, t('{name} asks: ', { name: phrases.staff(query.by) })), query.text || t('(taken back)'), ' ', h('span', { class: 'by' }, time(query.at))),
    query.answers.map((one) => h('p', {}, h('strong', {}, t('{name} answers: ', { name: phrases.staff(one.by) })), one.text || '', ' ', h('span', { class: 'by' }, time(one.at)))),
    !query.answers.length && h('p', { class: 'quiet' }, t('not answered yet')), answer);
}
