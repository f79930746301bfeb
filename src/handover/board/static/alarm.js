// What must not wait: in words, with a sound, in the title, until a named person takes it.

import { h, keep } from './dom.js';
import { desk, changed, isManager, mayHandOver, unitName, whom } from './desk.js';
import { answer, asked } from './asked.js';
import { create, get } from './session.js';
import { failed, say } from './keys.js';
import { calling, gist, staff } from './phrases.js';
import { n, t } from './words.js';
import { time } from './times.js';

const EVERY_MS = 4000;
let sound = null;
let timer = 0;
let flash = 0;
let headline = ''; // what the title says by turns
const rung = new Map(); // from the page to its version: it has been heard, until it calls again
let title = 'handover';

// A browser makes no sound before the first key or click; so this is called from one.
export function ready() {
  const Audio = window.AudioContext || window.webkitAudioContext;
  if (navigator.userActivation && !navigator.userActivation.isActive) return; // Esc and the like do not count
  if (!sound && Audio) sound = new Audio();
  quiet();
}

// Whether there is sound. The system may have taken it since the last key (another device, a nap of the machine), and at
// night nobody types: it is asked for again.
function sounds() {
  if (sound && sound.state !== 'running') sound.resume().catch(() => {});
  return Boolean(sound) && sound.state === 'running';
}

// Says, where there is a place for it, that a call would be seen and not heard.
export function quiet() {
  const box = document.getElementById('silent');
  const words = sounds() ? '' : t('A call makes no sound here now: press a key.');
  if (box && box.textContent !== words) box.textContent = words;
}

export const calls = () =>
  desk.me ? [...desk.pages.values()].filter((page) => page.state === 'RAISED' && page.kind === 'ACT_NOW').sort((a, b) => (a.raised_at < b.raised_at ? -1 : 1)) : [];

// What nobody has accepted or offered in time, for those who may: it is said. Managers are called; who has moved calls the
// unit as well, and is said once, of the unit that is to accept.
function untaken() {
  const late = desk.me && mayHandOver() ? [...desk.pages.values()].filter((page) => page.state === 'RAISED' && page.kind !== 'ACT_NOW') : [];
  return late.filter((page) => accepts(page) || !late.some((other) => other.handover === page.handover && accepts(other)));
}
function accepts(page) {
  const { transfer } = desk.handovers.get(page.handover) || {};
  return Boolean(transfer) && transfer.to.unit === page.unit && transfer.to.establishment === page.establishment;
}
const callsMe = (page) => isManager() || page.kind === 'TRANSFER';
const matter = (page) => (page.inmate ? `${unitName(page.unit)}: ${calling(page, whom(page.inmate))}` : calling(page, unitName(page.unit)));

export function named(text) {
  title = text;
  if (!flash) document.title = title;
}

// `toUnit`: what goes to where a unit is handed over.
export function show(box, toUnit) {
  if (!desk.me) rung.clear(); // whoever comes next has not heard it
  const open = calls();
  const late = untaken();
  const taken = desk.me ? [...desk.pages.values()].filter((page) => page.gone && page.kind === 'ACT_NOW' && Date.now() - page.gone < 20000) : [];
  const [first] = [...open, ...late.filter(callsMe)];
  ring(open.length > 0, first && (open.length ? `${t('ACT NOW')}: ${unitName(first.unit)}` : matter(first)));
  ringOnce(late.filter(callsMe));
  const questions = asked();
  // What stays is not drawn anew: it would be read aloud again, and lose the focus.
  const lines = [
    ...taken.map((page) => [page.id, h('p', { class: 'taken' }, t('{who}: {name} sees to it.', { who: whom(page.inmate, page.unit), name: staff(page.accepted_by) }))]),
    ...questions.map(({ handover, query }) => [query.id, h('p', { class: 'taken' }, t('{name} asks you about {unit}: “{text}”', { name: staff(query.by), unit: unitName(handover.unit), text: query.text }), ' ', h('button', { type: 'button', onclick: () => answer(handover.id, query) }, t('answer')))]),
    ...late.slice(0, 3).map((page) => [page.id, h('p', { class: 'taken' }, matter(page), ', ', t('since {time}', { time: time(page.raised_at) }), ' ', (page.kind !== 'TRANSFER' || accepts(page)) && h('button', { type: 'button', onclick: () => toUnit(page.unit) }, t('to the unit')))]),
    late.length > 3 && ['late', h('p', {}, n('and {n} more', 'and {n} more', late.length - 3))],
    ...open.slice(0, 3).map((page, place) => [page.note, h('div', { class: 'call' },
      h('p', {}, h('strong', {}, t('ACT NOW'), ' · ', unitName(page.unit), ' · ', whom(page.inmate, page.unit)), ' ',
        page.about ? `${gist(page.about)} (${staff(page.about.author)}, ${time(page.about.occurred_at)})` : ''),
      h('p', {}, t('Since {time} nobody has taken it. Whoever takes it goes there; tell them aloud as well.', { time: time(page.raised_at) })),
      h('button', { type: 'button', class: 'strong', onclick: () => take(page) }, place ? null : h('kbd', { class: 'letter', title: t('while you type: Alt+A') }, 'A'), ' ', t('I see to it')))]),
    open.length > 3 && ['open', h('p', {}, n('and {n} more', 'and {n} more', open.length - 3))],
  ].filter(Boolean);
  box.hidden = !lines.length;
  keep(box, lines.map(([key, line]) => ({ key, signature: line.textContent, value: line })), (line) => line);
}

export const ringLocked = (on) => ring(on, on && t('ACT NOW'));

// `on`: with the sound, until it is over. `words`: with the title.
function ring(on, words) {
  headline = words;
  if (on && !timer) {
    beep();
    timer = setInterval(beep, EVERY_MS);
  } else if (!on) {
    clearInterval(timer);
    timer = 0;
  }
  if (words && !flash) {
    flash = setInterval(() => { document.title = document.title === title ? headline : title; }, 1000);
  } else if (!words && flash) {
    clearInterval(flash);
    flash = 0;
    document.title = title;
  }
}

// Whom nobody can relieve of it at once would only learn not to hear it: as often as the page itself calls.
function ringOnce(pages) {
  const fresh = pages.filter((page) => rung.get(page.id) !== page.version);
  if (!fresh.length || !sounds()) return;
  if (!timer) beep();
  for (const page of fresh) rung.set(page.id, page.version);
}

function beep() {
  if (!sounds()) return;
  for (const [after, pitch] of [[0, 880], [0.25, 660], [0.5, 880]]) {
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.15, sound.currentTime + after);
    volume.gain.linearRampToValueAtTime(0, sound.currentTime + after + 0.2);
    tone.connect(volume).connect(sound.destination);
    tone.start(sound.currentTime + after);
    tone.stop(sound.currentTime + after + 0.2);
  }
}

// By its key. Whoever presses it twice means one call: the next stands in its place by then, and has not been read.
const TWICE_MS = 1000;
let pressed = { note: null, at: -TWICE_MS };
export function takeFirst() {
  const [first] = calls();
  if (!first) return;
  const at = performance.now();
  const twice = first.note !== pressed.note && at - pressed.at < TWICE_MS;
  pressed = { note: twice ? pressed.note : first.note, at };
  if (!twice) take(first);
}

export async function take(page) {
  try {
    await create(`/v1/notes/${page.note}/receipts`, { kind: 'ACCEPTED' });
    // It is recorded that I go there, also where somebody else was quicker: the page itself says whose it is.
    const now = await get(`/v1/pages/${page.id}`).catch(() => null);
    if (now) desk.pages.set(page.id, { ...page, ...now, gone: Date.now() });
    const by = now && now.accepted_by;
    if (!now) say(t('It is recorded that you go. Whether somebody was quicker cannot be read now: tell them aloud.'));
    else if (!by) say(t('It calls no more: what it was about was closed or taken back.'));
    else if (by.username === desk.me.username) say(t('It is yours: go there. The others are told.'));
    else say(t('{name} had taken it already, at {time}. Whether you go as well, agree between you.', { name: staff(by), time: time(now.accepted_at) }), true);
    setTimeout(changed, 21000);
    changed();
  } catch (problem) {
    failed(problem);
  }
}
