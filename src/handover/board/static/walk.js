// What is handed over, person by person, the most urgent first; and the questions about it.

import { h } from './dom.js';
import { desk, unitName, whom } from './desk.js';
import { get } from './session.js';
import { n, t } from './words.js';
import { isPast, time } from './times.js';
import * as phrases from './phrases.js';
import { reach, shapes } from './rows.js';

// [{inmate, notes: [ids], needs: [ids]}], the unit itself last.
export function groups(handover) {
  const found = new Map();
  for (const item of [...handover.items, ...handover.attention]) {
    const key = item.inmate || '';
    const group = found.get(key) || { inmate: item.inmate, notes: new Set(), needs: new Set(), late: false };
    // What came along and was corrected since is there in its newer words, too; older ones, and those that were taken
    // back, cannot be asked for here.
    if (item.note && (!item.content || item.content.status === 'ACTIVE')) group.notes.add(item.note);
    if (item.need) group.needs.add(item.need);
    group.late = group.late || item.late;
    found.set(key, group);
  }
  const order = (desk.sheet ? desk.sheet.people : []).map((one) => one.inmate);
  const place = (one) => (one.inmate === null ? 9e6 : order.includes(one.inmate) ? order.indexOf(one.inmate) : 9e5);
  return [...found.values()].sort((a, b) => place(a) - place(b) || whom(a.inmate).localeCompare(whom(b.inmate)));
}

// A roll is counted, or left out; anything else would be lost on its way.
export const isCount = (input) => /^\d{0,4}$/.test(input.value.trim());
export const notACount = () => t('The roll is a number: digits, and nothing between them. Or leave it empty.');

export const concerns = (query, group) => (query.note && group.notes.has(query.note)) || (query.need && group.needs.has(query.need));

// What is shown of it; `unread`: its notes that could not be had, `again` asks for them once more.
export async function itemCard(group, again, offeredAt = null) {
  const { sheet } = desk;
  const person = sheet && sheet.people.find((one) => one.inmate === group.inmate);
  const known = (person ? person.notes : (sheet ? sheet.wing_notes : [])).filter((note) => !desk.unsaid.has(note.id));
  const missing = [...group.notes].filter((id) => !known.some((note) => note.id === id) && !desk.unsaid.has(id));
  const fetched = await Promise.all(missing.map((id) => get(`/v1/notes/${id}`).catch(() => null)));
  const unread = missing.filter((id, place) => !fetched[place]);
  const notes = [...known.filter((note) => group.notes.has(note.id) || group.notes.has(note.supersedes)), ...fetched.filter((note) => note && note.status === 'ACTIVE' && !desk.unsaid.has(note.id))];
  const later = offeredAt ? known.filter((note) => !notes.includes(note) && new Date(note.recorded_at) > new Date(offeredAt)) : [];
  const allNeeds = person ? person.needs : (sheet ? sheet.wing_needs : []);
  const needs = allNeeds.filter((one) => group.needs.has(one.id) || one.status === 'OPEN');
  const head = person ? `${person.cell || ''} ${person.name}` : whom(group.inmate);
  const why = person ? phrases.pressing(person) : [];
  const then = person ? new Set(person.if_then.map((one) => one.text)) : []; // what was written twice is said once
  const card = h('div', {},
    h('h2', {}, group.inmate ? head : t('{unit} itself', { unit: unitName(desk.unit) }), ' ', person && h('b', {}, phrases.attention(person)), ' ', person && h('span', { class: 'shape' }, shapes(person.changes))),
    notes.length ? notes.map((note) => h('div', {},
      h('p', {}, phrases.gist(note), note.fact && phrases.state(note) ? ` (${phrases.state(note)})` : '', ' ', h('span', { class: 'by' }, phrases.source(note), reach(note))),
      note.late && h('p', { class: 'late' }, phrases.late(note)),
      note.opinion && h('p', { class: 'opinion' }, phrases.opinion(note)),
      note.responses.length > 0 && h('p', {}, t('did: '), note.responses.map(phrases.did).join(', ')))) : !unread.length && h('p', { class: 'quiet' }, t('Nothing new since the last handover.')),
    unread.length > 0 && h('p', { class: 'late' }, n('{n} note that is handed over could not be read.', '{n} notes that are handed over could not be read.', unread.length), ' ', h('button', { type: 'button', onclick: again }, t('try again'))),
    later.map((note) => sinceRow(note, offeredAt)),
    !notes.length && !unread.length && known.filter((note) => !later.includes(note)).slice(0, 1).map((note) => h('p', {}, t('earlier: '), phrases.gist(note), ' ', h('span', { class: 'by' }, phrases.source(note)))),
    why.length > 0 && h('p', { class: 'why' }, why.join('; ')),
    [...then].map((words) => h('p', { class: 'then' }, t('if it happens: '), words)),
    needs.map((one) => h('p', {}, t('open: '), phrases.need(one), one.due_at && isPast(one.due_at) ? h('b', { class: 'late' }, ` · ${t('OVERDUE')}`) : '', ' ', h('span', { class: 'by' }, `${phrases.staff(one.opened_by)}, ${time(one.opened_at)}`, one.carried && one.carried.length ? ` · ${n('carried over {n} time', 'carried over {n} times', one.carried.length)}` : ''))),
    person && person.worked.slice(0, 2).map((one) => h('p', { class: 'worked' }, t('worked: '), phrases.did(one), one.fact ? `: ${one.fact}` : '')));
  return { card, unread };
}

// What asks for attention now and is in none of the items: it came after the offer.
export function sinceCard(handover) {
  const { sheet } = desk;
  if (!sheet || desk.unit !== handover.unit) return null;
  const told = new Set([...handover.items, ...handover.attention].map((item) => item.note).filter(Boolean));
  const standing = [...sheet.people.flatMap((one) => one.notes), ...sheet.wing_notes, ...sheet.incidents.map((one) => one.began)];
  const live = new Map(standing.filter((note) => note.attention !== 'ROUTINE' && !isPast(note.attention_until) && !told.has(note.id) && !told.has(note.supersedes) && !desk.unsaid.has(note.id)).map((note) => [note.id, note]));
  return live.size > 0 && h('article', { class: 'item' }, h('h2', {}, t('Asks for attention, and is not in the offer')),
    [...live.values()].map((note) => h('div', {}, h('p', {}, h('strong', {}, whom(note.inmate, note.unit))), sinceRow(note, handover.offered_at), note.if_then && h('p', { class: 'then' }, t('if it happens: '), note.if_then))));
}

const sinceRow = (note, offeredAt) => h('p', {}, h('b', {}, new Date(note.recorded_at) > new Date(offeredAt) && t('written after the offer, {time}: ', { time: time(note.recorded_at) }), phrases.attention(note)), ' ', phrases.gist(note), ' ', h('span', { class: 'by' }, phrases.source(note)));

export function queryCard(query, answer) {
  return h('div', { class: 'prompt' },
    h('p', {}, h('strong', {}, t('{name} asks: ', { name: phrases.staff(query.by) })), query.text || t('(taken back)'), ' ', h('span', { class: 'by' }, time(query.at))),
    query.answers.map((one) => h('p', {}, h('strong', {}, t('{name} answers: ', { name: phrases.staff(one.by) })), one.text || '', ' ', h('span', { class: 'by' }, time(one.at)))),
    !query.answers.length && h('p', { class: 'quiet' }, t('not answered yet')), answer);
}
