// Notes on their way: on this PC's disk first, then sent, once each, in order, with the time that was claimed.

import { create, Refused, unique, Unreachable } from './session.js';
import * as vault from './vault.js';
import { now } from './times.js';
import { t } from './words.js';

const LATE_MS = 60 * 60e3;
let items = [];
let going = false;
let timer = 0;
let tries = 0;
const heard = { sent: [], refused: [], changed: [] };

export const on = (what, listener) => heard[what].push(listener);
const tell = (what, value) => heard[what].forEach((listener) => listener(value));
export const count = () => items.filter((one) => !one.data.refused).length;
export const refused = () => items.filter((one) => one.data.refused);
export const urgent = () => items.some((one) => !one.data.refused && one.data.body.attention === 'ACT_NOW');

export async function start() {
  items = await vault.load('outbox');
  tell('changed');
  flush();
}

export function stop() {
  clearTimeout(timer);
  items = [];
  tries = 0;
  going = false;
}

// Durable when it resolves; it is sent after that.
export async function keep(body, draft) {
  const one = { id: unique(), at: Date.now(), data: { body, draft, attempted: false, refused: null } };
  await vault.save('outbox', one.id, one.at, one.data);
  items.push(one);
  tell('changed');
  flush();
  return one.id;
}

export async function drop(id) {
  await vault.remove(id);
  items = items.filter((one) => one.id !== id);
  tell('changed');
}

export async function flush() {
  if (going) return;
  going = true;
  clearTimeout(timer);
  const mine = items;
  try {
    for (const one of [...items]) {
      if (items !== mine && !items.includes(one)) break;
      if (!one.data.refused) await send(one);
    }
    tries = 0;
  } catch (problem) {
    if (!(problem instanceof Unreachable || problem instanceof Refused)) throw problem;
    tries += 1;
    timer = setTimeout(flush, Math.max((problem.retry || 0) * 1000, Math.min(30000, 1000 * 2 ** tries)));
  } finally {
    going = false;
    tell('changed');
  }
  if (items.some((one) => !one.data.refused && !one.data.attempted)) flush();
}

async function send(one) {
  const { data } = one;
  if (!data.attempted) {
    // Only before the first attempt: after it, another body under the same key would be refused.
    if (now() - new Date(data.body.occurred_at) > LATE_MS && !data.body.late_reason) data.body.late_reason = t('There was no connection when it was written.');
    data.attempted = true;
    await vault.save('outbox', one.id, one.at, data);
  }
  try {
    const answer = await create('/v1/notes', data.body, one.id);
    await vault.remove(one.id);
    items = items.filter((other) => other.id !== one.id);
    tell('sent', answer.body);
  } catch (problem) {
    if (!(problem instanceof Refused) || problem.status >= 500 || [401, 409, 429].includes(problem.status)) throw problem;
    data.refused = problem.problem;
    await vault.save('outbox', one.id, one.at, data);
    tell('refused', one);
  }
}

window.addEventListener('online', flush);
