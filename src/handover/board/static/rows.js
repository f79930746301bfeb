// One line, or a few, about one thing: everybody who needs attention, what is due, what is new, everyone by cell.

import { h } from './dom.js';
import { desk, whom } from './desk.js';
import { attending } from './amend.js';
import { marked } from './needs.js';
import * as phrases from './phrases.js';
import { low, n, t } from './words.js';
import { isPast, time } from './times.js';

const MARKS = { ACT_NOW: '!', WATCH: '~', ROUTINE: '-' };

export function shapes(changes) {
  return changes.map((one) => (one.change ? phrases.SHAPES[one.change] || '?' : '·')).reverse().join(' ');
}

const spoken = (changes) => changes.map((one) => (one.change ? phrases.change(one.change) : t('no word'))).join('; ');

// Who may read it, where that is not everybody on the unit: the screen stands in the office.
export const reach = (note) => (note.handling && note.handling !== 'UNIT' ? ` · ${t('may be read by: {whom}', { whom: low('handling', note.handling) })}` : '');

export function personRow(person, gone, open) {
  const live = person.reasons.filter((one) => one.rule === 'ACT_NOW' || one.rule === 'WATCH').map((one) => one.note);
  const notes = live.length ? person.notes.filter((one) => live.includes(one.id)) : person.notes.slice(0, 1);
  const closable = live.length ? live : person.reasons.filter((one) => one.rule === 'RAN_OUT').map((one) => one.note);
  const why = phrases.pressing(person);
  return h('li', { 'data-row': true, tabindex: -1, 'data-inmate': person.inmate, ...attending(person.notes.filter((one) => closable.includes(one.id))), ...(person.needs.length === 1 && !gone && marked(person.needs[0])), class: gone ? 'person gone' : `person ${person.attention.toLowerCase()}`, ondblclick: open },
    h('p', { class: 'who' }, h('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[person.attention]), ' ',
      h('span', { class: 'cell' }, person.cell || ''), ' ', h('strong', {}, person.name), ' ',
      gone ? h('em', {}, t('needs nothing more; goes when you have read the news')) : h('b', {}, phrases.attention(person)),
      h('span', { class: 'shape', title: spoken(person.changes) }, shapes(person.changes)), h('span', { class: 'hidden' }, spoken(person.changes))),
    why.length > 0 && h('p', { class: 'why' }, why.join('; ')),
    notes.slice(0, 2).map((note) => h('p', {}, phrases.gist(note), ' ', h('span', { class: 'by' }, phrases.source(note), note.late ? ` · ${t('LATE ENTRY')}` : '', reach(note)))),
    notes.length > 2 && h('p', { class: 'by' }, n('and {n} more', 'and {n} more', notes.length - 2)),
    person.if_then.slice(0, 1).map((one) => h('p', { class: 'then' }, t('if it happens: '), one.text)),
    person.needs.slice(0, 2).map((one) => h('p', { class: 'need' }, t('need: '), phrases.need(one), one.due_at && isPast(one.due_at) && h('b', { class: 'late' }, ` · ${t('OVERDUE')}`))),
    person.needs.length > 2 && h('p', { class: 'by' }, n('and {n} more need', 'and {n} more needs', person.needs.length - 2)),
    person.worked.slice(0, 1).map((one) => h('p', { class: 'worked' }, t('worked: '), phrases.did(one), one.fact ? `: ${one.fact}` : '', ' ', h('span', { class: 'by' }, `${one.by}, ${time(one.at)}`))));
}

export function wingRow({ note, incident }) {
  const head = incident ? t('INCIDENT since {time}: {count}, latest {latest}', { time: time(incident.since), count: phrases.times(incident.count), latest: time(incident.latest) }) : t('The unit');
  return h('li', { 'data-row': true, tabindex: -1, ...attending([note]), 'data-written': note.id, 'data-by': note.author.username, class: `person ${note.attention.toLowerCase()}` },
    h('p', { class: 'who' }, h('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[note.attention]), ' ', h('strong', {}, head), ' ', h('b', {}, incident && !incident.until ? t('over') : phrases.attention(note))),
    h('p', {}, phrases.gist(note), ' ', h('span', { class: 'by' }, phrases.source(note), reach(note))),
    note.if_then && h('p', { class: 'then' }, t('if it happens: '), note.if_then));
}

export function dueRow(one) {
  const over = one.due_at && isPast(one.due_at);
  return h('li', { 'data-row': true, tabindex: -1, 'data-inmate': one.inmate, ...marked(one) },
    h('span', { class: 'when' }, one.due_at ? time(one.due_at) : t('no time')), ' ', whom(one.inmate, one.unit), ': ', phrases.need({ ...one, due_at: null, urgency: null }),
    over && h('b', { class: 'late' }, ` · ${t('OVERDUE')}`), one.owner ? h('span', { class: 'by' }, ` ${t('with {name}', { name: one.owner })}`) : '');
}

export function newsRow(one) {
  const [who, what, by] = one.say();
  return h('li', { 'data-row': true, tabindex: -1, 'data-inmate': one.inmate },
    h('span', { class: 'when' }, time(one.at)), ' ', h('strong', {}, who), `: ${what} `, h('span', { class: 'by' }, by));
}

export function everyone(one, unseen, open) {
  const newest = one.changes.find((was) => was.change);
  const words = unseen ? (unseen.why ? phrases.mood({ not_observed: unseen.why }) : t('not observed')) : newest ? low('change', newest.change) : t('seen');
  return h('li', { 'data-row': true, tabindex: -1, 'data-inmate': one.inmate, ondblclick: open, class: unseen ? 'unseen' : '' },
    h('span', { class: 'cell' }, one.cell || '—'), ' ', h('span', { class: 'name' }, one.name), ' ',
    h('span', { class: 'shape', 'aria-hidden': 'true' }, shapes(one.changes)), ' ', h('span', { class: 'by' }, words));
}

// Those of its people, and of the unit itself.
export const openNeeds = (sheet) => [...sheet.people.reduce((list, one) => list.concat(one.needs), []), ...sheet.wing_needs];

// What else the sheet says: [{key, head, text, by, inmate}].
export function alsoRows(sheet, told, needs) {
  const { last } = sheet.handover;
  const place = (one) => `${one.unit}${one.cell ? `, ${one.cell}` : ''}`;
  return [
    ...(last && last.remarks ? [{ key: 'remarks', head: t('at the handover'), text: last.remarks, by: phrases.staff(last.outgoing) }] : []),
    ...sheet.late.filter((note) => note.status === 'ACTIVE').map((note) => ({ key: `l${note.id}`, head: t('LATE, for {time}: {who}', { time: time(note.occurred_at), who: whom(note.inmate, note.unit) }), text: phrases.gist(note), by: phrases.source(note) + reach(note), inmate: note.inmate, written: note })),
    ...sheet.wing_notes.filter((note) => !told.has(note.id)).slice(0, 6).map((note) => ({ key: note.id, head: t('the unit'), text: phrases.gist(note), by: phrases.source(note) + reach(note), written: note })),
    ...needs.map((one) => ({ key: `n${one.id}`, head: t('the unit'), text: `${t('need: ')}${phrases.need(one)}`, by: one.owner ? t('with {name}', { name: one.owner }) : '', need: one })),
    ...sheet.arrived.map((one) => ({ key: `a${one.inmate}${one.at}`, head: t('arrived {time}', { time: time(one.at) }), text: `${one.name} (${place(one.from)} → ${place(one.to)})`, by: one.reason, inmate: one.inmate })),
    ...sheet.left.map((one) => ({ key: `g${one.inmate}${one.at}`, head: t('left {time}', { time: time(one.at) }), text: `${one.name} (→ ${place(one.to)})`, by: one.reason })),
  ];
}

// Who is on the way to this unit.
export const arriving = (sheet) => sheet.in_transit.filter((one) => one.to.unit === desk.unit && one.to.establishment === desk.place.code);

export const alsoRow = (one) => h('li', { 'data-row': true, tabindex: -1, 'data-inmate': one.inmate, 'data-written': one.written && one.written.id, 'data-by': one.written && one.written.author.username, ...(one.need && marked(one.need)) }, h('b', {}, one.head), ': ', one.text, ' ', h('span', { class: 'by' }, one.by));
