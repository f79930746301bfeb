// The two lines that are always there: which unit and shift, whose handover; who I am, and whether this screen can see.

import { h, put } from './dom.js';
import { desk, isInsider, unitName, units } from './desk.js';
import { staff, STATES } from './phrases.js';
import { low, n, t } from './words.js';
import { clock, digits, now, time, today } from './times.js';
import { languages } from './language.js';
import * as outbox from './outbox.js';

// What most prisons call their shifts; others' are called as they call them.
const SHIFTS = { EARLY: () => t('early'), LATE: () => t('late'), DAY: () => t('day'), NIGHT: () => t('night') };
const shiftName = (code) => (SHIFTS[code] ? SHIFTS[code]() : code.replace(/_/g, ' ').toLowerCase());
export const shiftOf = (key) => shiftName(key.slice(key.lastIndexOf('/') + 1));

function currentShift() {
  const shifts = desk.place.shifts.map((one) => ({ ...one })).sort((a, b) => (a.starts < b.starts ? -1 : 1));
  const at = digits(now());
  const on = shifts.filter((one) => one.starts <= at).pop() || shifts[shifts.length - 1];
  return on ? shiftName(on.code) : '';
}

export function standing(sheet) {
  const one = sheet.handover;
  if (!isInsider() && !one.last && one.state === 'DRAFT') return t('what is for the whole prison; the unit’s own notes are for its staff');
  const owner = one.last ? t('{name} owns it since {time}', { name: staff(one.last.incoming), time: time(one.last.accepted_at) }) : t('nobody has taken it over yet');
  if (one.state === 'DRAFT') return `${owner} · ${t('next handover due {time}', { time: time(one.due_at) })}`;
  const between = `${shiftOf(one.from_shift)} → ${shiftOf(one.to_shift)}`;
  return t('{between}: offered {at} by {name}, {state}, due {due}', {
    between, name: staff(one.outgoing), state: STATES[one.state] ? STATES[one.state]() : one.state, at: time(one.offered_at), due: time(one.due_at),
  });
}

export function head(box, actions) {
  const mine = units();
  put(box,
    h('div', { class: 'line' },
      h('h1', {}, h('span', { id: 'unit' }, desk.unit ? unitName(desk.unit) : t('No unit')), ' · ', h('span', { id: 'shift' })),
      mine.length > 1 && h('label', { class: 'pick' }, h('kbd', { class: 'letter' }, 'U'), ' ', t('unit'), ' ',
        h('select', { id: 'units', onchange: (event) => actions.unit(event.target.value) },
          mine.map((one) => h('option', { value: one.code, selected: one.code === desk.unit }, one.name)))),
      h('p', { id: 'standing' })),
    h('div', { class: 'line second' },
      h('p', {}, t('you are'), ' ', h('strong', { id: 'me' }, desk.me.name), ` (${low('roles', desk.me.role)})`),
      h('button', { type: 'button', onclick: actions.lock }, h('kbd', { class: 'letter' }, 'L'), ' ', t('lock')),
      h('button', { type: 'button', onclick: actions.switch }, h('kbd', { class: 'letter' }, 'S'), ' ', t('switch officer')),
      languages(actions.language),
      h('p', { id: 'silent', role: 'status', hidden: !desk.me.scopes.includes('notes:read') }),
      h('p', { id: 'sight' })));
  tick();
}

// What was asked for and does not come for so long is said not to be there.
const SLOW_MS = 3000;

function behind() {
  const late = (what) => desk.behind[what] && Date.now() - desk.behind[what] > SLOW_MS;
  if (late('sheet') && desk.sheet) return t('The sheet is from {time}; it cannot be read again now.', { time: clock(new Date(desk.sheet.given_at), true) });
  if (late('sheet') && !desk.closed) return t('The sheet cannot be read now.');
  return late('pages') ? t('Whether somebody must act now cannot be read.') : '';
}

// What the two lines say may have changed; they themselves stay.
export function tick() {
  const standingAt = document.getElementById('standing');
  const sight = document.getElementById('sight');
  if (!sight) return;
  const shift = desk.place ? `${today()} · ${t('{shift} shift', { shift: currentShift() })}` : '';
  const shiftAt = document.getElementById('shift');
  if (shiftAt.textContent !== shift) shiftAt.textContent = shift;
  const said = desk.sheet ? standing(desk.sheet) : desk.closed || !desk.unit ? t('you read what you wrote; you may write here') : t('reading the sheet …');
  if (standingAt.textContent !== said) {
    standingAt.textContent = said;
    standingAt.className = desk.sheet && /OVERDUE|ESCALATED/.test(desk.sheet.handover.state) ? 'late' : '';
  }
  const kept = outbox.count();
  const unsent = n('{n} not sent', '{n} not sent', kept);
  const feed = desk.feed;
  let words = t('connecting …');
  const old = feed && feed.state === 'live' ? behind() : '';
  let lost = old && `${old} ${t('It is asked for again by itself. Urgent? Use the radio.')}`; // the same without what is counted: it is said once
  if (old) words = `${lost} · ${unsent}`;
  else if (feed && feed.state === 'live') words = `${t('up to date')} ${clock(new Date(feed.sure), true)} · ${unsent}`;
  else if (feed && feed.state === 'blind') {
    // Older than that is the sheet where it was asked for before: something had happened. What is tried since changes nothing.
    const from = desk.behind.sheet <= feed.heard && desk.sheet ? Math.min(feed.sure, Date.parse(desk.sheet.given_at)) : feed.sure || (desk.sheet && Date.parse(desk.sheet.given_at));
    const since = from ? t('Not connected since {time}. What you see is from then.', { time: clock(new Date(from), true) }) : t('Not connected.');
    lost = `${since} ${t('Urgent? Use the radio.')}`;
    words = kept ? `${since} ${n('{n} note kept here, not sent.', '{n} notes kept here, not sent.', kept)} ${t('Urgent? Use the radio.')}` : lost;
  }
  if (sight.textContent !== words) sight.textContent = words;
  const row = sight.closest('.line');
  for (const one of [row, row.parentElement]) one.classList.toggle('blind', Boolean(lost));
  const foot = document.getElementById('lost'); // beside what was said last: that may be of a note that is not sent
  if (foot.textContent !== lost) put(foot, lost);
}
