// Beside the form, never in it: this shift and the three before it, what worked, what is open. What others change meanwhile is changed
// here as well: words that were taken back must not stay.

import { h, put } from './dom.js';
import { desk, isManager, watch } from './desk.js';
import { get } from './session.js';
import { unitOf } from './matching.js';
import { n, t } from './words.js';
import { dayName, digits, now, time } from './times.js';
import * as phrases from './phrases.js';

const AFTER_MS = 300;
const SHIFTS = 4;
const SHOWN = 6;
const leaving = new WeakMap(); // from the box: how to look no longer after whoever stands in it

// Answers what is known to have worked; it is kept up to date in place. `met` hears where the person is, now and whenever
// that changes.
export async function beside(box, draft, met) {
  const { inmate } = draft;
  if (leaving.has(box)) leaving.get(box)();
  put(box);
  if (!inmate) return null;
  let heard = desk.heard.get(inmate);
  let timer = 0;
  let told = null;
  const unwatch = watch(() => {
    if (told && !box.isConnected) return leave();
    if (!told || desk.heard.get(inmate) === heard) return null; // what is not there yet is read again as soon as it is
    heard = desk.heard.get(inmate);
    clearTimeout(timer);
    timer = setTimeout(again, AFTER_MS);
    return null;
  });
  function leave() {
    clearTimeout(timer);
    unwatch();
    if (leaving.get(box) === leave) leaving.delete(box);
  }
  leaving.set(box, leave);
  told = await read(inmate);
  show();
  // Of whom one may not read everything, one does not know that nothing helped yet.
  return told.all || (told.learned && told.learned.worked.length) ? told.learned : null;

  function show() {
    if (leaving.get(box) !== leave) return;
    if (told.person) met(told.person);
    draw(box, told);
  }

  async function again() {
    const newer = await read(inmate);
    if (leaving.get(box) !== leave || JSON.stringify(newer) === JSON.stringify(told)) return;
    if (told.learned && newer.learned) Object.assign(told.learned, newer.learned);
    told = { ...newer, learned: told.learned || newer.learned };
    show();
  }
}

// The shift that runs, which may have just begun, and the three before it, as notes name them.
function recently() {
  const pattern = [...desk.place.shifts].sort((a, b) => (a.starts < b.starts ? -1 : 1));
  const found = [];
  let day = dayName(now());
  let at = pattern.filter((one) => one.starts.slice(0, 5) <= digits(now())).length - 1;
  while (pattern.length && found.length < SHIFTS) {
    if (at < 0) {
      at = pattern.length - 1;
      day = new Date(Date.parse(day) - 86400e3).toISOString().slice(0, 10);
    }
    found.push(`${day}/${pattern[at].code}`);
    at -= 1;
  }
  return found;
}

async function read(inmate) {
  const number = encodeURIComponent(inmate);
  const known = desk.cells.get(inmate) || {};
  const shifts = recently();
  const here = unitOf(inmate);
  const [everywhere, mine] = [isManager(), desk.me.units]; // it may be locked before the answer is there
  const [person, notes, learned, needs] = await Promise.all([
    desk.me.scopes.includes('roster:read') ? get(`/v1/inmates/${number}`).catch(() => null) : null,
    get(`/v1/notes?inmate=${number}&limit=30`).then((page) => page.items, () => known.notes || null),
    get(`/v1/inmates/${number}/worked`).catch(() => null),
    get(`/v1/needs?inmate=${number}&status=OPEN&limit=20`).then((page) => page.items, () => known.needs || (desk.sheet && desk.sheet.unit === here ? [] : null)), // whoever has any stands on the sheet with them
  ]);
  const recent = notes && notes.filter((note) => note.status === 'ACTIVE' && (!shifts.length || shifts.includes(note.shift)));
  const unit = person ? person.unit : here;
  return { person, recent, learned, needs, all: everywhere || mine.includes(unit) };
}

function draw(box, { recent, learned, needs, all }) {
  const nothing = (list, words) => h('p', { class: 'quiet' }, !list ? t('It cannot be read now.') : all ? words : t('Nothing that you may read.'));
  put(box,
    h('h2', {}, t('this shift and the three before it')),
    recent && recent.length ? h('ul', {}, recent.slice(0, SHOWN).map((note) => h('li', {}, phrases.gist(note), ' ', h('span', { class: 'by' }, phrases.source(note)))), recent.length > SHOWN && h('li', { class: 'quiet' }, n('and {n} more', 'and {n} more', recent.length - SHOWN))) : nothing(recent, t('Nothing was written.')),
    h('h2', {}, t('what worked')),
    learned && learned.worked.length ? h('ul', {}, learned.worked.slice(0, 3).map((one) => h('li', {}, phrases.did(one), one.fact ? `: ${one.fact}` : '', ' ', h('span', { class: 'by' }, `${one.by}, ${time(one.at)}`)))) : nothing(learned, t('Nothing is known yet.')),
    h('h2', {}, t('open needs')),
    needs && needs.length ? h('ul', {}, needs.map((one) => h('li', {}, phrases.need(one)))) : nothing(needs, t('None.')));
}
