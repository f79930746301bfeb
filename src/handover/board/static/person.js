// A person: what was written, each with its source, facts before opinions; what is open; what worked.

import { amendKeys, attending } from './amend.js';
import { h, keep, put } from './dom.js';
import { desk, isInsider, unitName } from './desk.js';
import { all, get, Refused } from './session.js';
import { codes, label, t } from './words.js';
import { clock, now, time } from './times.js';
import * as phrases from './phrases.js';
import { marked, needKeys } from './needs.js';
import { picture } from './picture.js';

const WEEKS_MS = 42 * 86400e3;
const AGAIN_MS = 5000;

// What this reader may not see is not there for him or her; what could not be had is another matter.
const shut = (problem) => problem instanceof Refused && problem.status < 500 && problem.status !== 429;
function unless(problem) {
  if (shut(problem)) return null;
  throw problem;
}

export function person(main, go, number) {
  const known = desk.cells.get(number);
  const title = h('h2', { tabindex: -1, 'data-first': true }, known ? `${known.cell || ''} ${known.name}` : number);
  const under = h('p', { class: 'quiet' });
  const drawn = h('div');
  const list = h('ol', { class: 'list timeline', 'aria-label': t('what was written') });
  const side = h('aside', { class: 'beside', 'aria-label': t('open needs and what worked') });
  const openTitle = h('h2', { id: 'h-open' }, t('open needs'));
  const openNeeds = h('ul', { class: 'list', 'aria-labelledby': 'h-open' });
  const rest = h('div');
  put(side, openTitle, openNeeds, rest);
  const filters = { basis: '', place: '', author: '' };
  const controls = h('div', { class: 'filters' });
  let notes = [];
  let reading = 0;
  let failed = null; // {again}: it could not be read; whether it is worth asking again
  let since = null; // when what is shown was read
  const trouble = h('p', { class: 'late', role: 'status' });
  put(main, h('div', { class: 'two' }, h('div', {}, title, under, trouble, h('section', { 'aria-label': t('mood and change') }, drawn), controls, list), side));
  read();

  async function read() {
    const path = encodeURIComponent(number);
    try {
      const [inmate, found, learned, needs] = await Promise.all([
        get(`/v1/inmates/${path}`), all(`/v1/notes?inmate=${path}&occurred_from=${encodeURIComponent(new Date(Date.now() - WEEKS_MS).toISOString())}`),
        get(`/v1/inmates/${path}/worked`).catch(unless), all(`/v1/needs?inmate=${path}`),
      ]);
      notes = found;
      failed = null;
      since = now();
      put(trouble);
      put(title, `${inmate.cell || ''} ${inmate.name}`);
      put(under, [inmate.number, unitName(inmate.unit), inmate.language && t('speaks {language}', { language: inmate.language }), inmate.previous_numbers.length && t('also had the number {numbers}', { numbers: inmate.previous_numbers.join(', ') })].filter(Boolean).join(' · '));
      const whole = isInsider(inmate.unit);
      put(drawn, picture(notes, whole));
      aside(learned, needs, whole);
      choose();
      draw();
      if (title.isConnected) go.refresh(); // there may be needs to act on now
    } catch (problem) {
      const gone = shut(problem);
      failed = { again: !gone };
      put(trouble, gone ? problem.message : since ? t('This cannot be read now. What you see is from {time}; it is read again as soon as the server can be reached.', { time: clock(since) })
        : t('This cannot be read now. It is read again as soon as the server can be reached.'));
      if (!gone) later(AGAIN_MS);
    }
  }

  // `whole`: whether this reader may read what the person's own unit reads. To others, nothing found is not none.
  function aside(learned, needs, whole) {
    const open = needs.filter((one) => one.status === 'OPEN');
    const closed = needs.filter((one) => one.status !== 'OPEN').slice(0, 6);
    const tried = (items) => h('ul', {}, items.slice(0, 5).map((one) => h('li', {}, phrases.did(one), one.fact ? `: ${one.fact}` : '', ' ', h('span', { class: 'by' }, `${one.by}, ${time(one.at)}`))));
    put(openTitle, t('open needs'), ` (${open.length})`, !whole && `, ${t('as far as you may read')}`);
    keep(openNeeds, open.length ? open.map((one) => ({ key: one.id, signature: JSON.stringify(one), value: one })) : [{ key: 'none', signature: String(whole), value: null }], (one) => (one ? needRow(one) : h('li', { class: 'quiet' }, whole ? t('None.') : t('None that you may read.'))));
    put(rest, h('h2', {}, t('what worked')), learned && learned.worked.length ? tried(learned.worked) : h('p', { class: 'quiet' }, whole ? t('Nothing is known yet.') : t('Nothing that you may read.')),
      learned && learned.did_not.length > 0 && [h('h2', {}, t('what did not')), tried(learned.did_not)],
      learned && learned.openings.length > 0 && [h('h2', {}, t('opened up')), h('ul', {}, learned.openings.slice(0, 3).map((one) => h('li', {}, one.fact || '', ' ', h('span', { class: 'by' }, `${one.by}, ${time(one.at)}`))))],
      closed.length > 0 && [h('h2', {}, t('closed')), h('ul', {}, closed.map((one) => h('li', {}, one.code ? label('needs', one.code) : t('a need'), ': ', label('need_status', one.status), one.outcome || one.reason ? `, “${one.outcome || one.reason}”` : '')))]);
  }

  function choose() {
    const pick = (name, words, options) => h('label', {}, words, ' ', h('select', { onchange: (event) => { filters[name] = event.target.value; draw(); } }, h('option', { value: '' }, t('all')), options.map(([value, text]) => h('option', { value }, text))));
    const authors = new Map(notes.map((note) => [note.author.username, phrases.staff(note.author)]));
    put(controls, pick('basis', t('how known'), codes('basis').map((one) => [one.code, one.label])), pick('place', t('where'), codes('place').map((one) => [one.code, one.label])), pick('author', t('by'), [...authors]));
  }

  function draw() {
    const shown = notes.filter((note) => (!filters.basis || note.basis === filters.basis) && (!filters.place || note.place === filters.place) && (!filters.author || note.author.username === filters.author));
    keep(list, shown.length ? shown.map((note) => ({ key: note.id, signature: JSON.stringify(note), value: note })) : [{ key: 'none', signature: String(notes.length), value: null }], (note) => (note ? row(note) : h('li', { class: 'quiet' }, notes.length ? t('None of {n} notes.', { n: notes.length }) : t('Nothing was written in six weeks that you may read.'))));
  }

  function later(wait = 300) {
    clearTimeout(reading);
    reading = setTimeout(() => title.isConnected && read(), wait);
  }
  let newest = desk.heard.get(number);
  let wasLive = true;
  return {
    update: () => {
      const live = desk.feed && desk.feed.state === 'live';
      if (live && !wasLive && failed && failed.again) later();
      wasLive = live;
      if (desk.heard.get(number) !== newest) { newest = desk.heard.get(number); later(); }
    },
    leave: () => clearTimeout(reading),
    keys: () => [go.has('write') && { key: 'w', label: t('write'), strong: true, run: () => { if (known) go.show('write', number); else go.show('write'); } }, { key: 'o', label: t('open all opinions'), run: () => main.querySelectorAll('.timeline details').forEach((one) => { one.open = true; }) }, ...needKeys(go, read), ...amendKeys(go, read), { key: 'escape', label: t('back'), run: () => go.show('unit') }],
  };
}

const needRow = (one) => h('li', { 'data-row': true, tabindex: -1, ...marked(one) }, phrases.need(one), ' ', h('span', { class: 'by' }, one.owner ? t('with {name}', { name: one.owner }) : t('with nobody yet')));

function row(note) {
  const state = phrases.state(note);
  const struck = note.status === 'CORRECTED';
  if (note.status === 'RETRACTED') {
    return h('li', { 'data-row': true, tabindex: -1 }, h('span', { class: 'when' }, time(note.occurred_at)), ' ', h('em', {}, phrases.takenBack(note)));
  }
  const words = note.fact || state;
  const active = note.status === 'ACTIVE';
  return h('li', { 'data-row': true, tabindex: -1, 'data-written': active && note.id, 'data-by': note.author.username, ...attending(active && note.attention !== 'ROUTINE' ? [note] : []) },
    h('p', {}, h('span', { class: 'when' }, time(note.occurred_at)), ' ', note.attention !== 'ROUTINE' && h('b', {}, phrases.attention(note), ' '), struck ? h('s', {}, words) : words, ' ',
      h('span', { class: 'by' }, phrases.whoKnows(note), note.previous_inmate ? ` · ${t('as {number}', { number: note.previous_inmate })}` : '', note.handling !== 'UNIT' ? ` · ${label('handling', note.handling)}` : '')),
    struck && h('p', { class: 'quiet' }, t('was corrected; the note that takes its place says why')),
    note.supersedes && h('p', { class: 'quiet' }, t('a correction: {reason}', { reason: note.correction_reason || '' })),
    note.late && h('p', { class: 'late' }, phrases.late(note)),
    note.fact && state && h('p', {}, state),
    note.responses.length > 0 && h('p', {}, t('did: '), note.responses.map(phrases.did).join(', ')),
    note.needs.map((one) => h('p', {}, t('need: '), phrases.need(one))),
    note.if_then && h('p', { class: 'then' }, t('if it happens: '), note.if_then),
    note.opinion && h('details', {}, h('summary', {}, t('{name} thinks …', { name: phrases.staff(note.author) })), h('p', { class: 'opinion' }, phrases.opinion(note))),
    note.renewals.map((one) => h('p', { class: 'quiet' }, one.closed ? t('attention closed by {name}: {reason}', { name: phrases.staff(one.by), reason: one.reason }) : t('attention renewed by {name}: {reason}', { name: phrases.staff(one.by), reason: one.reason }))));
}

