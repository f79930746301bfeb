// Notes on their way: on this PC's disk first, then sent, once each, in order, with the time that was claimed. Where the
// disk takes nothing they go from memory, under the same key.

import { create, Refused, unique, Unreachable } from './session.js';
import * as vault from './vault.js';
import { now } from './times.js';
import { t } from './words.js';

const LATE_MS = 60 * 60e3;
const LOOK_MS = 5000;
let items = [];
let going = false;
let timer = 0;
let looking = 0;
let holder = null;
let tries = 0;
const done = new Set(); // what is no note of this window's any more, whatever the disk still has
let rest = 0; // until then the server has too much to do, and is sent only what calls somebody
const heard = { sent: [], refused: [], changed: [], waiting: [] };

export const on = (what, listener) => heard[what].push(listener);
const tell = (what, ...about) => heard[what].forEach((listener) => listener(...about));
export const count = () => items.filter((one) => !one.refused).length;
export const has = (id) => items.some((one) => one.id === id);
const calls = (one) => (one.data.body.note || one.data.body).attention === 'ACT_NOW';
const due = (one) => !one.refused && (calls(one) || Date.now() >= rest);
export const urgent = () => items.some((one) => !one.refused && calls(one));

export async function start() {
  holder = vault.holder();
  items = await vault.load('outbox');
  tell('changed');
  clearInterval(looking);
  looking = setInterval(look, LOOK_MS);
  if (urgent()) flush(); // what else there is goes once there is a screen to say on that it was refused
}

// What another window has not sent goes from this one as well: that one may be gone. The server knows it by its key.
async function look() {
  const as = holder;
  const there = await vault.load('outbox').catch(() => []);
  const left = holder === as ? there.filter((one) => !has(one.id) && !done.has(one.id) && Math.abs(Date.now() - one.at) > LOOK_MS) : [];
  if (!left.length) return;
  items = [...items, ...left];
  tell('changed');
  flush();
}

export function stop() {
  clearTimeout(timer);
  clearInterval(looking);
  done.clear();
  holder = null;
  items = [];
  tries = rest = 0;
  going = false;
}

const store = (one, as) => vault.save('outbox', one.id, one.at, one.data, as, calls(one));

// It is sent after that, under the draft's key: what was sent twice is one note. What calls somebody goes at once, as the
// disk may be slow and its draft is there already. Answers the key, and whether it is durable.
export async function keep(body, draft) {
  const one = { id: draft.key || unique(), at: Date.now(), data: { body, draft, attempted: false } };
  const as = holder;
  const kept = store(one, as);
  if (!calls(one)) await kept;
  if (holder === as) {
    items = [...items.filter((other) => other.id !== one.id), one];
    tell('changed');
    flush();
  }
  return { id: one.id, kept: await kept };
}

export async function drop(id) {
  done.add(id);
  await vault.remove(id);
  items = items.filter((one) => one.id !== id);
  tell('changed');
}

export async function flush() {
  if (going) return;
  going = true;
  clearTimeout(timer);
  const as = holder;
  let strange = null; // a proxy may refuse one note for its words: those behind it go all the same
  let stuck = null; // one may hang, and be there all the same: what calls somebody does not wait behind it
  let cut = false;
  try {
    const tried = new Set();
    const next = () => items.find((one) => !tried.has(one) && due(one) && (!stuck || calls(one)));
    for (let one = next(); one && holder === as; one = next()) { // once somebody else is here, it is not sent under that name
      tried.add(one);
      await send(one).catch((problem) => (problem.strange ? strange = problem : stuck = later(problem) || stuck));
    }
    if (stuck || strange) throw stuck || strange;
    tries = 0;
    if (holder === as && Date.now() < rest && count()) {
      tell('waiting');
      timer = setTimeout(flush, rest - Date.now());
    }
  } catch (problem) {
    if (!(problem instanceof Unreachable || problem instanceof Refused)) throw problem;
    tries += 1;
    cut = true;
    tell('waiting');
    if (holder === as) timer = setTimeout(flush, items.some((one) => calls(one) && fresh(one)) ? 1000 : Math.max((problem.retry || 0) * 1000, Math.min(30000, 1000 * 2 ** tries)));
  } finally {
    if (holder === as) going = false;
    tell('changed');
  }
  if (!cut && holder === as && items.some(fresh)) flush();
}

const fresh = (one) => due(one) && !one.data.attempted;

// Too much was asked at once: what can wait does, and stays in its order; each says itself when it happened. Answers what
// else it is.
function later(problem) {
  if (![429, 503].includes(problem.status) || !problem.retry) return problem;
  rest = Date.now() + problem.retry * 1000;
  return null;
}

// Whether the server has had another request under this key.
export const isKnown = (problem) => (problem.errors || []).some((one) => one.pointer === '/header/Idempotency-Key');

async function hand({ id, data }, as) {
  const path = data.draft.corrects ? `/v1/notes/${data.draft.corrects}/corrections` : '/v1/notes';
  if (!data.late) return create(path, data.body, id);
  try {
    return await create(path, { ...data.body, late_reason: data.late }, id);
  } catch (problem) {
    if (!(problem instanceof Refused) || !isKnown(problem.problem) || holder !== as) throw problem;
    return create(path, data.body, id); // it had come there before it was late, and only the answer was lost
  }
}

async function send(one) {
  const { data } = one;
  const as = holder;
  // That it waited for the network is ours to say; why else it is late, its author's alone.
  const waited = !data.late && !data.draft.corrects && !data.body.late_reason && now() - new Date(data.body.captured_at) > LATE_MS;
  if (waited) data.late = t('There was no connection when it was written.');
  if (waited || !data.attempted) {
    data.attempted = true;
    const said = store(one, as);
    if (calls(one)) said.catch(() => {});
    else await said;
  }
  try {
    const answer = await hand(one, as);
    if (holder === as) done.add(one.id);
    await vault.remove(one.id).catch(() => {}); // else it goes again, and the server knows it by its key
    items = items.filter((other) => other.id !== one.id);
    tell('sent', answer.body, one.id);
  } catch (problem) {
    if (!(problem instanceof Refused) || problem.status >= 500 || [401, 429].includes(problem.status)) throw problem;
    // The same key, still being worked on; else it was corrected before.
    if (problem.status === 409 && (!data.draft.corrects || problem.problem.type === '/problems/in-progress')) throw problem;
    if (holder !== as) return; // it is sent once more when its author is here, who is told then
    one.refused = problem.problem;
    tell('refused', one);
  }
}

window.addEventListener('online', flush);
vault.onCleared(() => { for (const one of items) store(one, holder).catch(() => {}); });
