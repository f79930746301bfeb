// Beside the form, never in it: the last three shifts, what worked, what is open.

import { h, put } from './dom.js';
import { desk } from './desk.js';
import { get } from './session.js';
import { t } from './words.js';
import { time } from './times.js';
import * as phrases from './phrases.js';

export async function beside(box, draft) {
  if (!draft.inmate) {
    put(box);
    return null;
  }
  const number = encodeURIComponent(draft.inmate);
  const known = desk.cells.get(draft.inmate);
  const shifts = known && known.changes ? known.changes.map((one) => one.shift) : [];
  const [notes, learned, needs] = await Promise.all([
    get(`/v1/notes?inmate=${number}&limit=12`).then((page) => page.items, () => (known && known.notes) || []),
    get(`/v1/inmates/${number}/worked`).catch(() => null),
    get(`/v1/needs?inmate=${number}&status=OPEN&limit=20`).then((page) => page.items, () => (known && known.needs) || []),
  ]);
  const recent = notes.filter((note) => note.status === 'ACTIVE' && (!shifts.length || shifts.includes(note.shift)));
  put(box,
    h('h2', {}, t('the last three shifts')),
    recent.length ? h('ul', {}, recent.slice(0, 6).map((note) => h('li', {}, phrases.gist(note), ' ', h('span', { class: 'by' }, phrases.source(note))))) : h('p', { class: 'quiet' }, t('Nothing was written.')),
    h('h2', {}, t('what worked')),
    learned && learned.worked.length ? h('ul', {}, learned.worked.slice(0, 3).map((one) => h('li', {}, phrases.did(one), one.fact ? `: ${one.fact}` : '', ' ', h('span', { class: 'by' }, `${one.by}, ${time(one.at)}`)))) : h('p', { class: 'quiet' }, t('Nothing is known yet.')),
    h('h2', {}, t('open needs')),
    needs.length ? h('ul', {}, needs.map((one) => h('li', {}, phrases.need(one)))) : h('p', { class: 'quiet' }, t('None.')));
  return learned;
}
