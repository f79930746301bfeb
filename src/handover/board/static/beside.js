// Beside the form, never in it: the last three shifts, what worked, what is open. What others change meanwhile is changed
// here as well: words that were taken back must not stay.

import { h, put } from './dom.js';
import { desk, watch } from './desk.js';
import { get } from './session.js';
import { t } from './words.js';
import { time } from './times.js';
import * as phrases from './phrases.js';

const AFTER_MS = 300;
const leaving = new WeakMap(); // from the box: how to look no longer after whoever stands in it

// Answers what is known to have worked; it is kept up to date in place.
export async function beside(box, draft) {
  const { inmate } = draft;
  if (leaving.has(box)) leaving.get(box)();
  put(box);
  if (!inmate) return null;
  let heard = desk.heard.get(inmate);
  let timer = 0;
  let told = null;
  const unwatch = watch(() => {
    if (told && !box.isConnected) return leave();
    if (desk.heard.get(inmate) === heard) return null;
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
  if (leaving.get(box) === leave) draw(box, told);
  return told.learned;

  async function again() {
    const now = await read(inmate);
    if (leaving.get(box) !== leave || JSON.stringify(now) === JSON.stringify(told)) return;
    if (told.learned && now.learned) Object.assign(told.learned, now.learned);
    told = { ...now, learned: told.learned || now.learned };
    draw(box, told);
  }
}

async function read(inmate) {
  const number = encodeURIComponent(inmate);
  const known = desk.cells.get(inmate);
  const shifts = known && known.changes ? known.changes.map((one) => one.shift) : [];
  const [notes, learned, needs] = await Promise.all([
    get(`/v1/notes?inmate=${number}&limit=12`).then((page) => page.items, () => (known && known.notes) || []),
    get(`/v1/inmates/${number}/worked`).catch(() => null),
    get(`/v1/needs?inmate=${number}&status=OPEN&limit=20`).then((page) => page.items, () => (known && known.needs) || []),
  ]);
  const recent = notes.filter((note) => note.status === 'ACTIVE' && (!shifts.length || shifts.includes(note.shift)));
  return { recent, learned, needs };
}

function draw(box, { recent, learned, needs }) {
  put(box,
    h('h2', {}, t('the last three shifts')),
    recent.length ? h('ul', {}, recent.slice(0, 6).map((note) => h('li', {}, phrases.gist(note), ' ', h('span', { class: 'by' }, phrases.source(note))))) : h('p', { class: 'quiet' }, t('Nothing was written.')),
    h('h2', {}, t('what worked')),
    learned && learned.worked.length ? h('ul', {}, learned.worked.slice(0, 3).map((one) => h('li', {}, phrases.did(one), one.fact ? `: ${one.fact}` : '', ' ', h('span', { class: 'by' }, `${one.by}, ${time(one.at)}`)))) : h('p', { class: 'quiet' }, t('Nothing is known yet.')),
    h('h2', {}, t('open needs')),
    needs.length ? h('ul', {}, needs.map((one) => h('li', {}, phrases.need(one)))) : h('p', { class: 'quiet' }, t('None.')));
}
