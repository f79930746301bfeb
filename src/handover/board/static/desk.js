// What this screen knows: who is here, which unit, its sheet as last read, what calls, what is new. The server decides
// everything; after an event the sheet is read again rather than put together here.

import { all, ask, get, Refused, Unreachable, who } from './session.js';
import { Feed } from './feed.js';
import { local } from './local.js';
import { allLists, language, learn, t } from './words.js';
import { useZone } from './times.js';
import * as phrases from './phrases.js';

const MOST = 300;
const SEEN_H = 36;
const FIRST_MS = 800;
const APART_MS = 180; // from one reading of the sheet to the next
const AGAIN_MS = 1000; // after a reading that failed; twice as long each time, and never longer than
const LONGEST_MS = 30000;
export const desk = {};
const listeners = new Set();
clear();

function clear() {
  Object.assign(desk, {
    me: null, places: [], place: null, unit: null, sheet: null, pages: new Map(), news: [], left: 0, feed: null, cells: new Map(), closed: false, handovers: new Map(), heard: new Map(), unsaid: new Set(), missed: null, behind: {}, heardTo: 0,
  });
}

export function watch(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let told = false;
export function changed() {
  if (told) return;
  told = true;
  queueMicrotask(() => {
    told = false;
    for (const listener of [...listeners]) listener();
  });
}

// What the codes are called, in the language of this screen.
export async function readLists() {
  learn((await ask('GET', '/v1/codelists', { headers: { 'Accept-Language': language() } })).body.items);
}

export async function start() {
  const [me, , places] = await Promise.all([get('/v1/me'), readLists(), get('/v1/establishments').then((one) => one.items, none)]);
  // Something on the way keeps answers and gives them to others: whoever is named on the screen is who writes.
  if (me.username !== who()) throw new Unreachable('that is somebody else', false, true);
  desk.me = me;
  desk.onLive = null;
  desk.places = places;
  desk.place = places.find((one) => one.code === me.establishments[0]) || places[0] || null;
  // A guest reads no roster: what there is to know of the prison is its code.
  if (!desk.place && me.establishments.length) desk.place = { code: me.establishments[0], name: me.establishments[0], timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, shifts: [], units: [] };
  if (!desk.place) return changed();
  useZone(desk.place.timezone);
  const mine = units();
  const kept = local.getItem(`handover.unit.${me.username}`);
  desk.unit = (mine.find((one) => one.code === kept) || mine[0] || {}).code || me.units[0] || null;
  const seen = JSON.parse(local.getItem(seenAt()) || 'null');
  hear(seen && Date.now() - seen.at < SEEN_H * 3600e3 ? seen.cursor : null);
  // The feed reads the sheet as soon as it is live; where that takes long, the sheet does not wait for it.
  await Promise.race([new Promise((live) => { desk.onLive = live; }), new Promise((done) => setTimeout(done, FIRST_MS))]);
  if (!desk.sheet) await refresh();
}

// What a locked screen needs to go on without the server, and going on with it.
export const snapshot = () => ({ me: desk.me, places: desk.places, place: desk.place, unit: desk.unit, sheet: desk.sheet, lists: allLists(), cursor: desk.feed ? desk.feed.cursor : null, sure: desk.feed ? desk.feed.sure : null });

export function restore(kept) {
  Object.assign(desk, { me: kept.me, places: kept.places, place: kept.place, unit: kept.unit, sheet: kept.sheet });
  learn(kept.lists);
  useZone(kept.place.timezone);
  if (kept.sheet) for (const one of [...kept.sheet.people, ...kept.sheet.others]) desk.cells.set(one.inmate, one);
  hear(kept.cursor);
  desk.feed.sure = kept.sure;
}

function hear(cursor) {
  desk.feed = new Feed(desk.place.code, cursor, {
    event: take, live: () => Promise.all([refresh(), readPages()]).then(() => desk.onLive && desk.onLive()), blind: changed, missed: () => { desk.missed = Date.now(); desk.heardTo = 0; desk.handovers.clear(); changed(); },
    deaf: () => { refresh(); readPages(); }, // what calls somebody is asked for instead
  });
}

function none(problem) {
  if (problem instanceof Refused && problem.status < 500 && problem.status !== 429) return [];
  throw problem;
}

export function stop() {
  remember();
  if (desk.feed) desk.feed.close();
  clearTimeout(again);
  running = null;
  caughtUp('sheet');
  caughtUp('pages');
  clear();
}

// My units; all of them for those who belong to the whole establishment.
export function units() {
  if (!desk.place) return [];
  const posting = desk.me.postings.find((one) => one.establishment === desk.place.code);
  const mine = posting && posting.units.length ? desk.place.units.filter((one) => posting.units.includes(one.code)) : desk.place.units;
  return mine;
}

// Whether the unit's own notes are for this reader; others see what is for the whole establishment.
export const isInsider = (unit = desk.unit) => isManager() || desk.me.units.includes(unit);
export const isManager = () => ['supervisor', 'governor'].includes(desk.me.role);
export const mayHandOver = () => isManager() || desk.me.role === 'officer'; // who can be answerable for a unit
export const unitName = (code) => {
  const found = desk.place && desk.place.units.find((one) => one.code === code);
  return found ? found.name : t('Unit {code}', { code });
};
export const at = (code) => `/v1/establishments/${desk.place.code}/units/${code || desk.unit}`;

export async function choose(code) {
  desk.unit = code;
  desk.sheet = null;
  running = null;
  caughtUp('sheet');
  local.setItem(`handover.unit.${desk.me.username}`, code);
  changed();
  await refresh();
}

// What was asked of the server and has not come: since when, by name. It is asked for again while the feed lives; once it
// lives again, everything is.
const retries = { sheet: { tries: 0, timer: 0 }, pages: { tries: 0, timer: 0 } };
const awaited = (what) => { desk.behind[what] = desk.behind[what] || Date.now(); };

function caughtUp(what) {
  delete desk.behind[what];
  clearTimeout(retries[what].timer);
  retries[what].tries = 0;
}

function askAgain(what, read) {
  const one = retries[what];
  clearTimeout(one.timer);
  one.timer = setTimeout(() => desk.feed && desk.feed.state === 'live' && read(), Math.min(LONGEST_MS, AGAIN_MS * 2 ** one.tries));
  one.tries += 1;
}

let running = null;
let again = 0;
// Reads the sheet. Whoever asks while it is read waits for one that is read after that: what is on its way may be from
// before what he or she did.
export function refresh() {
  const one = running;
  if (!one) {
    const mine = running = { began: Date.now() };
    mine.done = readSheet().finally(() => { if (running === mine) running = null; });
    return mine.done;
  }
  one.after = one.after || one.done.then(() => new Promise((go) => { again = setTimeout(go, one.began + APART_MS - Date.now()); })).then(refresh);
  return one.after;
}

let asked = 0;
let shown = 0;
async function readSheet() {
  asked += 1;
  const mine = asked;
  const unit = desk.unit;
  const user = desk.me;
  const { heardTo } = desk;
  if (!unit) return;
  awaited('sheet');
  try {
    const sheet = await get(`${at(unit)}/sheet`);
    if (desk.unit !== unit || desk.me !== user) return;
    if (sheet.sequence < heardTo) throw new Unreachable('something on the way has kept an older one', false, true);
    if (mine < shown) return; // overtaken on its way by one that was asked for later
    shown = mine;
    desk.sheet = sheet;
    caughtUp('sheet');
    for (const one of [...sheet.people, ...sheet.others]) desk.cells.set(one.inmate, one);
  } catch (problem) {
    if (!(problem instanceof Unreachable || problem instanceof Refused)) throw problem;
    if (desk.unit !== unit || desk.me !== user) return;
    desk.closed = problem instanceof Refused && [403, 404].includes(problem.status);
    if (!desk.closed) askAgain('sheet', refresh);
  }
  changed();
}

// What the feed says while the list is on its way is newer than the list: it is said again on top of it.
const meanwhile = new Set();
async function readPages() {
  const user = desk.me;
  const told = [];
  meanwhile.add(told);
  awaited('pages');
  try {
    const open = await all(`/v1/pages?establishment=${desk.place.code}&state=RAISED`);
    if (desk.me !== user) return;
    desk.pages = new Map(open.map((page) => [page.id, page]));
    told.forEach(takePage);
    caughtUp('pages');
    await Promise.all(open.map(whatItIs));
  } catch (problem) {
    if (!(problem instanceof Unreachable || problem instanceof Refused)) throw problem;
    if (desk.me !== user) return;
    if (problem instanceof Refused && problem.status === 403) caughtUp('pages');
    else askAgain('pages', readPages);
  } finally {
    meanwhile.delete(told);
  }
  changed();
}

// The note a page calls for and whom it is about, to say in words what is the matter; and where somebody is to be accepted.
async function whatItIs(page) {
  if (page.kind === 'TRANSFER' && mayHandOver() && !desk.handovers.has(page.handover)) await get(`/v1/handovers/${page.handover}`).then(learnHandover).catch(() => null);
  const about = page.note ? await get(`/v1/notes/${page.note}`).catch(() => null) : null;
  const known = desk.pages.get(page.id); // an event may have brought it anew meanwhile
  if (known) known.about = about;
  if (page.inmate && !desk.cells.has(page.inmate)) {
    const person = await get(`/v1/inmates/${encodeURIComponent(page.inmate)}`).catch(() => null);
    if (person) desk.cells.set(page.inmate, { ...person, inmate: person.number });
  }
}

function take(event) {
  const { type, data } = event;
  desk.heardTo = Math.max(desk.heardTo, event.sequence);
  if (event.subject) desk.heard.set(event.subject, event.id); // the newest that was said about somebody
  if (type.startsWith('page.')) {
    for (const told of meanwhile) told.push(event);
    takePage(event);
  }
  if (Object.keys(data).length === 2 || type === 'note.retracted' || type === 'note.restricted') forgetWords(data.id);
  // Notes whose words are not to be seen any more, on whatever screen.
  if (type === 'note.corrected') {
    // To those who may not read what stands now, the old wording itself is told, as one that stands no more.
    const gone = data.status === 'ACTIVE' ? data.supersedes : data.id;
    if (desk.unsaid.has(gone)) return; // they have read what stands now
    desk.unsaid.add(gone);
    desk.news = desk.news.filter((one) => !(one.noted && one.about === gone));
  }
  else if (type === 'note.retracted' || (type.startsWith('note.') && Object.keys(data).length === 2)) desk.unsaid.add(data.id);
  if (type.startsWith('handover.') && data.items) learnHandover(data);
  tell(event);
  if (desk.feed.state === 'live' && concerns(event)) refresh();
  changed();
}

// A handover as an event or an answer tells it; either may have been overtaken by the other. What is asked about things
// that not all may read is not in its version: of two that are alike, the later says more.
export function learnHandover(one) {
  const known = desk.handovers.get(one.id);
  if (!known || known.version < one.version || (known.version === one.version && said(known) <= said(one))) desk.handovers.set(one.id, one);
}
const said = ({ queries }) => queries.reduce((count, query) => count + 1 + query.answers.length, 0);

const concerns = (event) =>
  event.unit === desk.unit || (event.subject && desk.cells.has(event.subject)) || /^(inmate|handover)\./.test(event.type);

function takePage({ data, type }) {
  const before = desk.pages.get(data.id);
  if (before && before.version > data.version) return;
  if (Object.keys(data).length === 2) desk.pages.delete(data.id); // not for this reader any more
  else if (type === 'page.raised' && data.state === 'RAISED') {
    // After a correction it calls for another note: the words of the one before are not said again.
    const same = before && before.note === data.note;
    desk.pages.set(data.id, { ...data, about: same ? before.about : null });
    if (!same) whatItIs(data).then(changed);
  } else if (data.state === 'ACCEPTED') {
    desk.pages.set(data.id, { ...before, ...data, gone: Date.now() });
  } else desk.pages.delete(data.id);
}

// What was taken back is not said again, not here either.
function forgetWords(id) {
  desk.news = desk.news.filter((one) => one.about !== id);
  for (const [key, page] of desk.pages) if (page.note === id) desk.pages.delete(key);
}

function tell(event) {
  const { data } = event;
  const mine = (data.retraction ? [data.retraction.by] : [data.author, data.by, data.accepted_by]).some((one) => one && one.username === desk.me.username);
  const say = () => phrases.news(event, whom);
  if ((mine && !/answered|queried/.test(event.type)) || !say()) return;
  const before = desk.feed.before || event.cursor;
  desk.news.unshift({ id: event.id, about: data.note || data.id, noted: event.type.startsWith('note.'), unit: event.unit, inmate: data.inmate || data.number || null, at: event.time, say, before });
  if (desk.news.length > MOST) desk.left += desk.news.splice(MOST).length;
}

export function whom(inmate, unit) {
  if (!inmate) return unitName(unit || desk.unit);
  const known = desk.cells.get(inmate);
  return known ? `${known.cell || ''} ${known.name}`.trim() : inmate;
}

// I have looked: the news of this unit is no news any more.
export function look() {
  desk.news = desk.news.filter((one) => one.unit !== desk.unit);
  desk.left = 0;
  desk.missed = null;
  remember();
  changed();
}

const seenAt = () => `handover.seen.${desk.me.username}.${desk.place.code}`;

export function remember() {
  if (!desk.feed || !desk.feed.cursor) return;
  const oldest = desk.news[desk.news.length - 1];
  local.setItem(seenAt(), JSON.stringify({ cursor: oldest ? oldest.before : desk.feed.cursor, at: Date.now() }));
}
