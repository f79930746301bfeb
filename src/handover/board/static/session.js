// Who is at this screen. The access token is in this module's memory and nowhere else; the cookie that renews it cannot
// be read by any script. A lock forgets the one and has the server end the other.

import { local } from './local.js';
import { refusal } from './refusals.js';
import { now, serverSaid } from './times.js';

const AT = '/board/session';
const OWED = 'handover.end'; // whose login is still to be ended
export const SITS = 'handover.sits'; // who logged in last, for the other windows of this browser
let token = null;
let key = null;
let whose = null; // the user name: the cookie is every window's, and may be another's by now
let timer = 0;
let sitting = 0; // counts who sits here: what one asked is never asked again as the next
const heard = { token: new Set(), ended: new Set() };

// `sent`: it may have arrived all the same, and only the answer was lost.
export class Unreachable extends Error {
  constructor(cause, sent = false, strange = false, status = 0, retry = 0) {
    super(String(cause));
    Object.assign(this, { sent, strange, status, retry });
  }
}

export class Refused extends Error {
  constructor(status, problem, retry) {
    super(refusal(problem) || String(status));
    this.status = status;
    this.problem = problem || {};
    this.retry = retry;
  }
}

// Answers how to hear no more.
export function on(what, listener) {
  heard[what].add(listener);
  return () => heard[what].delete(listener);
}

export const draftsKey = () => key;
export const who = () => whose;
export const accessToken = () => token;

// What there is now, or who is here: each of our answers to whoever changes something says one of these.
const DONE = ['id', 'ticket', 'access_token', 'pin_until', 'units'];
const says = (method, told) => told !== null && (method === 'GET' || DONE.some((name) => name in Object(told)));
const isOurs = (told) => /^\/problems\//.test(told && told.type);

// A server that says nothing for so long is not there: whoever waits is told, and may ask again.
const PATIENCE_MS = 8000;
const MOST_S = 60; // the service asks for no more; a proxy in its place may speak of hours, and it is back before

async function raw(method, path, body, headers) {
  const given = new AbortController();
  const patience = setTimeout(() => given.abort(), PATIENCE_MS);
  const asked = Date.now();
  let answer;
  let came;
  let text;
  try {
    answer = await fetch(path, {
      method,
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'same-origin',
      signal: given.signal,
    });
    came = Date.now();
    text = await answer.text();
  } catch (cause) {
    throw new Unreachable(cause, method !== 'GET');
  } finally {
    clearTimeout(patience);
  }
  let told = null;
  try {
    told = text ? JSON.parse(text) : null;
  } catch (cause) {
    told = null; // a proxy's own page
  }
  if (told !== null && !answer.headers.get('age')) serverSaid(answer.headers.get('date'), asked, came); // a proxy's or a portal's page is on its own clock, and what was kept on the way on the clock of then
  // The service says so where it was not there whole, and nothing was done; a proxy may have passed it on.
  if (answer.status === 408) throw new Unreachable('it took too long', method !== 'GET' && !/\/too-slow$/.test(told && told.type));
  // What is not in our words is nobody's answer but a proxy's or a portal's: with it no note is taken, and none refused for good.
  const ours = answer.ok ? says(method, told) || (answer.status === 204 && path.startsWith(AT)) : isOurs(told);
  const retry = Math.min(MOST_S, Number(answer.headers.get('retry-after')) || 0);
  const busy = answer.status >= 500 || answer.status === 429; // a proxy says so of all there is, and not of one note for its words
  if (!ours) throw new Unreachable('something answers there, but not as a handover server', method !== 'GET', !busy, busy ? answer.status : 0, retry);
  if (!answer.ok) throw new Refused(answer.status, told, retry);
  return { status: answer.status, body: told, etag: answer.headers.get('etag') };
}

// An officer who unlocked without the server: the login is made up for with the first request that reaches it.
let offline = null;
export function goOffline(username, password, secret) {
  sitting += 1;
  offline = { username, password };
  whose = username;
  key = secret;
}

let joining = null;
function join() {
  joining = joining || login(offline.username, offline.password).catch((problem) => {
    if (problem instanceof Refused && problem.status < 500 && problem.status !== 429) for (const listener of heard.ended) listener(problem);
    throw problem;
  }).finally(() => { joining = null; });
  return joining;
}

let ending = null;
export async function login(username, password) {
  // The answer to a lock takes the cookie away: it must not be the new one's.
  if (ending) await ending;
  const answer = await raw('POST', AT, { username, password });
  if (!offline) sitting += 1;
  offline = null;
  sits(username, answer.body.pin_until);
  came(answer.body);
}

// Whoever comes in ends the login that the other windows may have.
function came(issued) {
  took(issued);
  local.removeItem(OWED);
  local.setItem(SITS, `${whose} ${Date.now()}`);
}

// Who may come back here by PIN, and until when: user names alone. What makes a PIN worth anything is in a cookie that no
// script can read.
const SEATS = 'handover.seats';
const seats = () => JSON.parse(local.getItem(SEATS) || '{}');
export const byPin = () => Object.keys(seats()).filter((name) => seats()[name] > now());

function sits(name, until) {
  const others = seats();
  delete others[name];
  local.setItem(SEATS, JSON.stringify(until ? { ...others, [name]: Date.parse(until) } : others));
}

export async function comeBack(username, pin) {
  if (ending) await ending;
  try {
    const answer = await raw('POST', `${AT}/pin`, { username, pin });
    sitting += 1;
    offline = null;
    came(answer.body);
  } catch (problem) {
    if (problem instanceof Refused && problem.status === 401) sits(username, null);
    throw problem;
  }
}

export async function choosePin(username, password, pin) {
  const answer = await raw('PUT', `${AT}/pin`, { username, password, pin });
  sits(username, answer.body.pin_until);
}

// Goes on with the login of this browser, if it has one that was not to end. Answers whether somebody is in.
export async function resume() {
  const owed = local.getItem(OWED);
  if (owed !== null) await end(owed || null);
  const answer = await renewal();
  if (!answer) return false;
  took(answer);
  return true;
}

// Tabs share the cookie, and it works once: one renews at a time, or the server takes the second for a thief. A page goes
// on as whoever is named on it, or not at all.
async function renewal(username = null) {
  const ask = async () => (await raw('POST', `${AT}/renewal`, { username })).body;
  return navigator.locks ? navigator.locks.request('handover.renewal', ask) : ask();
}

function took(issued) {
  token = issued.access_token;
  key = issued.drafts_key;
  whose = issued.username;
  clearTimeout(timer);
  timer = setTimeout(renew, Math.max(1000, issued.expires_in * 600));
  for (const listener of heard.token) listener(token);
}

let renewing = null;
export function renew() {
  renewing = renewing || again().finally(() => { renewing = null; });
  return renewing;
}

async function again() {
  const before = token;
  if (before === null) return false;
  try {
    const issued = await renewal(whose);
    if (token !== before) return token !== null; // locked meanwhile: what came is not for anybody any more
    if (!issued) throw new Refused(401, null);
    if (issued.username !== whose) throw new Refused(409, null);
    took(issued);
    return true;
  } catch (problem) {
    if (problem instanceof Refused && problem.status < 500 && problem.status !== 429) {
      for (const listener of heard.ended) listener(problem);
      return false;
    }
    clearTimeout(timer);
    timer = setTimeout(renew, 5000);
    return false;
  }
}

// Forgets at once; the server is told as soon as it can be reached. `over`: there is nothing to end any more, and the answer
// to it would take away the cookie of whoever logs in elsewhere at this moment.
export function forget(establishment, over = false) {
  sitting += 1;
  token = null;
  offline = null;
  key = null;
  clearTimeout(timer);
  const gone = whose;
  whose = null;
  if (over) return null;
  local.setItem(OWED, gone || '');
  ending = end(gone, establishment).catch(() => {});
  return ending;
}

async function end(username, establishment) {
  await raw('POST', `${AT}/end`, { username, ...(establishment ? { establishment } : {}) });
  if (token === null) local.removeItem(OWED);
}

// What a locked screen may ask: in which units somebody must act now; null where it hears nothing. The answer to the lock
// brings the pass for it.
export async function hear() {
  await ending;
  return (await raw('POST', '/board/calls')).body.units;
}

export async function ask(method, path, { body, headers } = {}) {
  if (token === null && offline) await join();
  if (token === null) throw new Refused(401, null);
  const mine = sitting;
  const with_ = () => raw(method, path, body, { ...headers, Authorization: `Bearer ${token}` });
  try {
    return await with_();
  } catch (problem) {
    if (!(problem instanceof Refused) || problem.status !== 401 || !(await renew()) || mine !== sitting) throw problem;
    return with_();
  }
}

// What is only read is asked for again where too much was asked of the server at once, when it says.
export async function get(path, tries = 3) {
  const mine = sitting;
  try {
    return (await ask('GET', path)).body;
  } catch (problem) {
    if (![429, 503].includes(problem.status) || !problem.retry || !tries) throw problem;
    await new Promise((done) => { setTimeout(done, problem.retry * 1000); });
    if (mine !== sitting) throw problem;
    return get(path, tries - 1);
  }
}

// Every item of a list.
export async function all(path, most = 1000) {
  const items = [];
  let cursor = null;
  do {
    const joint = path.includes('?') ? '&' : '?';
    const page = await get(`${path}${joint}limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < most);
  return items;
}

export const unique = () =>
  crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');

// A key for what is sent: the same once more is the same request, something else is another.
export function keyed() {
  let last = {};
  return (body) => {
    const said = JSON.stringify(body);
    if (last.said !== said) last = { said, key: unique() };
    return last.key;
  };
}

export const create = (path, body, idempotency = unique()) =>
  ask('POST', path, { body, headers: { 'Idempotency-Key': idempotency } });
