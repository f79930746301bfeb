// What is written and not sent is on this PC's disk, locked with its author's key. The server gives that key to whoever
// has logged in as the author; this module keeps it in memory until the lock. Without WebCrypto (a page that came over
// plain http from another machine) nothing goes to the disk: it is kept in memory until the page is closed.

import { local } from './local.js';
import { n, t } from './words.js';

const NAME = 'handover';
export const SAVE_MS = 500; // from the first letter that is not kept yet, however quickly others follow
const inMemory = new Map(); // what no disk keeps
export const safe = Boolean(window.crypto && crypto.subtle && window.indexedDB);
window.addEventListener('beforeunload', (event) => {
  if (!safe || !inMemory.size) return;
  event.preventDefault();
  event.returnValue = '';
});
let held = null; // {author, key} of whoever is at this screen
let opened = null;
const cleared = [];
export const onCleared = (listener) => cleared.push(listener);

function open() {
  opened = opened || new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore('kept', { keyPath: 'id' });
    asked.onsuccess = () => {
      // The browser has cleared it away: what this window holds goes to the next.
      asked.result.onclose = () => { opened = null; for (const again of cleared) again(); };
      resolve(asked.result);
    };
    asked.onerror = () => { opened = null; reject(asked.error); };
  });
  return opened;
}

// A disk that says nothing for so long is as good as one that takes nothing, and nobody waits for it until it answers.
const PATIENCE_MS = 8000;
let silent = false;
function act(mode, work) {
  const nothing = new Error('the disk says nothing');
  if (silent) return Promise.reject(nothing);
  return new Promise((resolve, reject) => {
    const patience = setTimeout(() => { silent = true; reject(nothing); }, PATIENCE_MS);
    reach(mode, work).finally(() => { silent = false; clearTimeout(patience); }).then(resolve, reject);
  });
}

async function reach(mode, work) {
  const db = await open();
  return new Promise((resolve, reject) => {
    const done = mode === 'readwrite' ? db.transaction('kept', mode, { durability: 'strict' }) : db.transaction('kept', mode);
    const asked = work(done.objectStore('kept'));
    if (done.commit) done.commit(); // all of it has been asked: it comes to the disk also if the page is gone by then
    done.oncomplete = () => resolve(asked.result);
    done.onerror = () => reject(done.error);
    done.onabort = () => reject(done.error);
  });
}

export async function unlock(name, secret) {
  held = { author: name, key: null };
  if (!safe) return;
  held = { author: name, key: await crypto.subtle.importKey('raw', bytesOf(secret.replace(/-/g, '+').replace(/_/g, '/')), 'AES-GCM', false, ['encrypt', 'decrypt']) };
}

// Whoever begins something keeps hold of this until it is on the disk: what Hartmann wrote is never kept as Ngata's,
// however quickly they change places.
export const holder = () => held;

export function forget() {
  held = null;
}

// What goes to the disk goes in the order it was said, and waits for nothing that is on its way there already: it may be
// slow, and the page may be gone in a moment.
let turn = Promise.resolve();
function change(work, ready) {
  const begun = turn.then(ready);
  turn = begun.catch(() => {});
  return begun.then(() => act('readwrite', work));
}

// A page that goes does not wait for the disk: until what is sealed is there, it lies beside it, where a page writes at once.
const LAID = 'handover.laid.';
const packed = ({ iv, sealed, ...one }) => JSON.stringify({ ...one, iv: base64(iv), sealed: base64(new Uint8Array(sealed)) });
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function lay(id, text) {
  try {
    localStorage.setItem(LAID + id, text);
  } catch (full) {
    lift(id); // what is older is on the disk
  }
}

const lift = (id) => local.removeItem(LAID + id);
const laid = () => local.names().filter((name) => name.startsWith(LAID)).flatMap((name) => {
  try {
    const one = JSON.parse(local.getItem(name));
    return [{ ...one, iv: bytesOf(one.iv), sealed: bytesOf(one.sealed) }];
  } catch (unreadable) {
    return []; // of another release, or cut short: nobody is kept out by it
  }
});

const newest = new Map(); // what was said last of each: what comes to an end later is older, or was removed meanwhile

// Answers whether it is durable. What the disk does not take (it is full, or the browser may not) is kept in memory,
// locked all the same, until this page is closed.
// `urgent` stands beside it for everybody to see.
export async function save(kind, id, at, data, as, urgent = false) {
  const one = { id, kind, author: as.author, at, urgent };
  newest.set(id, one);
  const said = JSON.stringify(data);
  if (!safe) {
    inMemory.set(id, { ...one, data: said });
    return false;
  }
  const iv = crypto.getRandomValues(new Uint8Array(12));
  let text = '';
  const seal = async () => {
    Object.assign(one, { iv, sealed: await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, as.key, new TextEncoder().encode(said)) });
    text = packed(one);
    lay(id, text);
    if (inMemory.has(id)) inMemory.set(id, one);
  };
  try {
    await change((store) => store.put(one), seal);
    if (local.getItem(LAID + id) === text) lift(id); // else something newer is on its way
    if (newest.get(id) === one) inMemory.delete(id);
    return true;
  } catch (full) {
    if (!one.sealed) throw full;
    if (newest.get(id) === one) inMemory.set(id, one);
    return false;
  }
}

// All there is, as it was kept last.
async function everything() {
  const onDisk = safe ? await act('readonly', (store) => store.getAll()).catch(() => []) : [];
  return [...new Map([...onDisk, ...(safe ? laid() : []), ...inMemory.values()].map((one) => [one.id, one])).values()];
}

export async function load(kind) {
  const { author, key } = held;
  const all = await everything();
  const mine = all.filter((one) => one.author === author && one.kind === kind).sort((a, b) => a.at - b.at);
  const found = [];
  for (const one of mine) {
    try {
      const text = safe ? new TextDecoder().decode(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: one.iv }, key, one.sealed)) : one.data;
      found.push({ id: one.id, at: one.at, data: JSON.parse(text) });
    } catch (unreadable) {
      // Of another server that was at this address. It stays where it is.
    }
  }
  return found;
}

export async function remove(id) {
  newest.delete(id);
  inMemory.delete(id);
  if (safe) await change((store) => store.delete(id), () => lift(id));
}

// What is being written belongs to one window at a time, also where several are open and one of them crashes. Answers how
// to let it go; null where another window has it and does not let it go at once.
const LET_GO_MS = 300;
const holds = new Map(); // from the id: {users, got, free} of this window
export async function hold(id) {
  if (!navigator.locks) return () => {};
  const one = holds.get(id) || grab(id);
  one.users += 1;
  if (!(await one.got)) return null;
  return () => {
    one.users -= 1;
    if (one.users) return;
    holds.delete(id);
    one.free();
  };
}

function grab(id) {
  const one = { users: 0 };
  const until = new Promise((free) => { one.free = free; });
  const asked = new AbortController();
  one.got = new Promise((got) => {
    const ask = (how) => navigator.locks.request(`handover.draft.${id}`, how, (lock) => {
      if (lock) {
        got(true);
        return until;
      }
      setTimeout(() => asked.abort(), LET_GO_MS); // another has it: a browser that is only slow to answer is no other window
      return ask({ signal: asked.signal });
    });
    ask({ ifAvailable: true }).catch(() => { holds.delete(id); got(false); });
  });
  holds.set(id, one);
  return one;
}

// How many notes of whom wait here, whether somebody must act on one, and whether such a one was begun and never sent:
// numbers and user names, which is all a locked screen may say.
const LIVE_MS = 24 * 3600e3; // what was begun longer ago calls nobody any more
async function counted() {
  const found = new Map();
  for (const one of await everything()) {
    const told = found.get(one.author) || { count: 0, urgent: false, begun: false };
    if (one.kind === 'outbox') found.set(one.author, { ...told, count: told.count + 1, urgent: told.urgent || Boolean(one.urgent) });
    else if (one.kind === 'draft' && one.urgent && Date.now() - one.at < LIVE_MS) found.set(one.author, { ...told, begun: true });
  }
  return [...found].map(([name, told]) => ({ name, ...told }));
}

const begunBy = ({ name }) => t('{name} began an ACT NOW here and has not sent it: use the radio.', { name });

// What the next officer at this PC must know of the others' notes.
export async function urgentOfOthers() {
  const others = (await counted()).filter((one) => one.name !== held.author);
  return [...others.filter((one) => one.begun).map(begunBy), ...others.filter((one) => one.urgent).map(({ name, count }) => n('{n} of the notes of {name} waits here, not sent, and it is URGENT: use the radio.', '{n} of the notes of {name} wait here, not sent, one of them URGENT: use the radio.', count, { name }))];
}

export async function waiting() {
  const unkept = safe ? [...new Set([...inMemory.values()].map((one) => one.author))] : [];
  const all = await counted();
  const told = ({ urgent, begun, ...one }) => (urgent ? t('{count} kept here, not sent, and URGENT: use the radio. They go when {name} logs in.', one) : t('{count} kept here, not sent. They go when {name} logs in.', one));
  return [...all.filter((one) => one.begun).map((one) => ({ words: begunBy(one), urgent: true })),
    ...all.filter((one) => one.count).map((one) => ({ words: told(one), urgent: one.urgent })),
    ...unkept.map((name) => ({ urgent: true, words: t('This PC could NOT keep what {name} wrote. It is in this page until the page is closed: leave it open.', { name }) }))];
}
