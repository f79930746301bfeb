// Puts the board together: who is here, which screen is shown, what its keys are.

import * as alarm from './alarm.js';
import { calls, takeFirst } from './alarm.js';
import * as desk_ from './desk.js';
import { changed, desk } from './desk.js';
import { h, put } from './dom.js';
import { find } from './find.js';
import { keepNow } from './forms.js';
import * as away from './away.js';
import { gate, last } from './gate.js';
import { head, tick } from './head.js';
import * as keys from './keys.js';
import { begin } from './language.js';
import { local } from './local.js';
import * as outbox from './outbox.js';
import * as session from './session.js';
import * as vault from './vault.js';
import { t } from './words.js';
import { unit } from './unit.js';
import { forget as forgetWords } from './care.js';
import { refusedLater, wasOpen, write } from './write.js';

const LOCK = 'handover.lock_s';
let lockS = Number(local.getItem(LOCK) || document.body.dataset.lockS); // of whoever sits here, or sat here last
const ACTIVE = 'handover.active';
const LEAVE_MS = 1000; // so long a lock waits for what is being kept
const LOCKED = 'handover.lock';
const root = document.getElementById('board');
const screens = { unit, write, find };
const LATER = {
  handover: () => import('./handover.js'), person: () => import('./person.js'), paper: () => import('./paper.js'), pin: () => import('./pin.js'),
  house: () => import('./house.js'), practice: () => import('./practice.js'), // few need these: they are fetched when they are asked for
};
const SOON = ['handover', 'person', 'paper', 'pin']; // as soon as the first screen stands: they must be there without a network, too, and after an upgrade
let current = null; // {leave(), update(), keys(), again(): what it would be shown about to go on}
let shown = null; // {name, about} of it
let header = null;
let active = Date.now();
let locked = true;
let others = []; // what is said of others' notes that wait here
let asked = 0; // how often a screen was: one that comes late does not push aside what was asked for since

async function load(name) {
  screens[name] = (await LATER[name]())[name];
}

export function show(name, ...about) {
  if (locked) return;
  asked += 1;
  const mine = asked;
  if (!screens[name]) {
    load(name).then(() => mine === asked && show(name, ...about), keys.failed);
    return;
  }
  if (current && current.leave) current.leave();
  const main = document.getElementById('main');
  put(main);
  shown = { name, about };
  current = screens[name](main, { show, ...actions }, ...about);
  update();
  window.scrollTo(0, 0);
  const first = main.querySelector('[data-first]');
  if (first) first.focus({ preventScroll: true });
}

// What a screen is of no use without. What the role may do is in its scopes; the server decides all the same.
const NEEDS = { write: 'notes:write', person: 'roster:read', find: 'roster:read', handover: 'handovers:read', paper: 'handovers:read' };
const may = (scope) => desk.me.scopes.includes(scope);

const actions = {
  may,
  has: (name) => (name in screens || name in LATER) && (!NEEDS[name] || may(NEEDS[name])),
  lock: () => warned(() => lock(t('You locked it.'))),
  switch: () => warned(() => lock('', { other: true })),
  refresh: () => update(),
  language: spoken,
  unit: (code, screen) => { const chosen = desk_.choose(code); head(header, actions); chosen.then(() => show(screen || 'unit')); },
};

// What must be acted on and has not left goes behind the lock of whoever wrote it: that is said before.
function warned(go) {
  const words = outbox.urgent() ? t('An ACT NOW of yours has not left this PC: use the RADIO. Once more, and it is locked all the same.')
    : current && current.urgent && current.urgent() ? t('You have begun an ACT NOW and not sent it. Send it, or use the RADIO. Once more, and it is locked all the same.') : '';
  if (words && document.getElementById('said').textContent !== words) return keys.say(words, true);
  return go();
}

function nextUnit() {
  const select = document.getElementById('units');
  if (select) select.focus();
}

function update() {
  if (locked || !current) return;
  if (current.update) current.update();
  keys.bind([
    ...current.keys(),
    ...(calls().length ? ['a', 'alt+a'].map((key) => ({ key, run: takeFirst })) : []),
    { key: 'u', run: nextUnit }, { key: 'l', run: actions.lock }, { key: 's', run: actions.switch },
    desk.me.screen && desk.me.screen.pin_allowed && { key: 'i', label: desk.me.screen.pin_set ? null : t('choose a PIN'), run: () => show('pin') },
  ]);
  keys.hints(document.getElementById('keys'));
  keys.oneStop();
  alarm.named(`${desk.unit ? desk_.unitName(desk.unit) : ''} · handover`);
  alarm.show(document.getElementById('alarm'), (code) => actions.unit(code, 'handover'));
  tick();
}

// In other words from now on: one stays where one is, and goes on where one came from.
async function spoken(from) {
  await desk_.readLists();
  if (locked) return true;
  const back = keys.placeOf(from);
  const { name } = shown;
  const about = current.again ? current.again() : shown.about;
  if (current.leave) await current.leave();
  if (locked) return true;
  current = null;
  frame();
  show(name, ...about);
  back();
  return true;
}

function frame() {
  header = h('header', { id: 'head' });
  put(root, h('a', { class: 'skip', href: '#main' }, t('To the content')), header, others.map((words) => h('p', { class: 'late', role: 'alert' }, words)),
    h('main', { id: 'main', tabindex: -1 }),
    h('aside', { id: 'foot', 'aria-label': t('Calls and keys') },
      h('p', { id: 'said', role: 'status' }), h('p', { id: 'lost', role: 'status' }), // above what may be too long for the foot
      h('div', { id: 'alarm', role: 'alert', 'aria-atomic': 'false', hidden: true }), h('div', { id: 'asking', hidden: true }),
      h('nav', { id: 'keys', 'aria-label': t('Keys') })));
  keys.clearOf(document.getElementById('foot'));
  head(header, actions);
}

async function entered(offline) {
  await vault.unlock(session.who(), session.draftsKey());
  if (!offline) await desk_.start();
  await outbox.start();
  others = await vault.urgentOfOthers().catch(() => []);
  const begun = await wasOpen().catch(() => null);
  // From here on nothing is waited for: as soon as the two lines are there, every key does what it says.
  locked = false;
  last.name = desk.me.username;
  active = Date.now();
  if (desk.me.screen) {
    lockS = desk.me.screen.lock_s;
    local.setItem(LOCK, String(lockS));
  }
  frame();
  outbox.flush();
  if (begun) show('write', null, begun.draft);
  else show('unit');
  if (begun) begun.free();
  for (const name of desk_.isManager() ? [...SOON, 'house'] : SOON) load(name).catch(() => {}); // what is not to be had now is fetched when it is asked for
}

// The page may be gone in a moment: what is typed is kept now. A browser says so several times, the earlier the better.
function leaving() {
  if (locked) return;
  if (current && current.keep) current.keep();
  keepNow();
}

async function lock(why, { other = false, over = false } = {}) {
  if (locked) return;
  locked = true;
  const name = session.who();
  // The screen is empty before anything is waited for: a lock depends on no disk and on no server.
  const kept = Promise.all([current && current.leave ? current.leave() : null, keepNow()]);
  current = null;
  put(root);
  keys.bind([]);
  keys.hold(null);
  await Promise.race([kept.catch(() => {}), new Promise((done) => { setTimeout(done, LEAVE_MS); })]);
  const place = desk.place && desk.place.code;
  await away.close(name, Boolean(desk.feed && desk.feed.state !== 'live')).catch(() => {});
  desk_.stop();
  outbox.stop();
  vault.forget();
  forgetWords();
  session.forget(place, over);
  alarm.show(h('div'));
  local.setItem(LOCKED, `${name} ${Date.now()}`);
  door(why, other ? '' : name);
}

// Windows of one browser share a login: who locks one locks all of his or hers, who logs in at one ends the others'.
function elsewhere({ key, newValue }) {
  const mine = (newValue || '').split(' ')[0] === session.who();
  if (key === LOCKED && mine) lock(t('It was locked in another window.'));
  else if (key === session.SITS && newValue && !mine) lock(another(), { over: true });
}

const another = () => t('Somebody else has logged in in another window. Nothing is lost.');

async function door(why, name) {
  const kept = await vault.waiting().catch(() => []);
  alarm.named(t('locked · handover'));
  gate(root, { why, name, kept, entered });
}

function noticed() {
  active = Date.now();
  alarm.ready();
}

function idle() {
  alarm.quiet();
  if (locked) return;
  tick();
  active = Math.min(active, Date.now()); // the PC's clock may have been set back
  const left = lockS * 1000 - (Date.now() - active);
  if (lockS && left <= 0) lock(t('Locked by itself: nobody typed for a while. Nothing is lost.'));
  else if (Date.now() - active < 2000) local.setItem(ACTIVE, String(active));
}

async function boot() {
  document.body.dataset.runs = 'yes'; // see old.js
  await begin();
  keys.listen();
  for (const what of ['keydown', 'pointerdown']) document.addEventListener(what, noticed, { capture: true });
  setInterval(idle, 1000);
  desk_.watch(update);
  outbox.on('changed', changed);
  outbox.on('refused', (item) => refusedLater(item, (text) => keys.say(text, true)));
  session.on('ended', ({ status }) => lock(status === 409 ? another() : t('Your login has ended. Nothing is lost.'), { over: status === 401 || status === 409 }));
  window.addEventListener('storage', elsewhere);
  for (const what of ['beforeunload', 'pagehide']) window.addEventListener(what, leaving);
  document.addEventListener('visibilitychange', () => { if (document.hidden) leaving(); });
  window.addEventListener('pagehide', () => { if (desk.me) desk_.remember(); });
  const left = Number(local.getItem(ACTIVE)) || 0;
  try {
    if (lockS && left && Math.abs(Date.now() - left) > lockS * 1000) await session.forget();
    else if (await session.resume()) return await entered();
  } catch (problem) {
    if (!(problem instanceof session.Refused || problem instanceof session.Unreachable)) throw problem;
  }
  return door('', last.name);
}

boot();
