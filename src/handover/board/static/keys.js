// The keyboard: letters for what one can do here, arrows along whatever can be read line by line.

import { choices, room } from './choices.js';
import { h, keep, put } from './dom.js';
import { changed, desk, watch } from './desk.js';
import { kept, saveMark } from './forms.js';
import { local } from './local.js';
import { keyed, Refused, Unreachable } from './session.js';
import * as vault from './vault.js';
import { t } from './words.js';

const LETTERS = 'handover.letters';
let bound = [];
let held = null;
let stood = { row: null, list: null }; // the line one was on last
let shownAt = null; // where it is said what the keys do

export function bind(list) {
  bound = list.filter(Boolean);
}

// While something small is asked, its keys come first.
export function hold(handler) {
  held = handler;
}

const typing = (element) => element.matches('input:not([type=checkbox]):not([type=radio]), textarea, select');

// Single letters are in the way of whoever dictates, or whose hand slips: this browser can do without. Everything is
// then done with Tab and Enter.
const letters = () => local.getItem(LETTERS) !== 'off';

function heed(footer) {
  local.setItem(LETTERS, letters() ? 'off' : 'on');
  document.body.dataset.letters = letters() ? 'on' : 'off';
  say(letters() ? t('Every letter that is shown does what it says.') : t('No single letter does anything now; Tab and Enter do.'));
  hints(footer);
}

export function listen() {
  document.body.dataset.letters = letters() ? 'on' : 'off';
  document.addEventListener('focusin', ({ target }) => {
    // From a line to what can be done with it: one is still on that line.
    const row = target.closest('[data-row]');
    if (target.closest('#foot')) return;
    stood = { row, list: row && row.parentElement };
    if (shownAt && shownAt.isConnected) hints(shownAt);
  });
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (held && held(event)) return event.preventDefault();
    const name = (event.ctrlKey || event.metaKey ? 'ctrl+' : '') + (event.altKey ? 'alt+' : '') + event.key.toLowerCase();
    const inText = typing(event.target);
    if (name === 'enter' && event.target.closest('button, a, summary, select')) return; // it presses what it is on
    const found = bound.find((one) => one.key === name && (name.length > 1 || letters()) && (!inText || /^(ctrl|alt)\+/.test(name) || name === 'escape' || name === 'pageup'));
    if (found) {
      event.preventDefault();
      if (!event.repeat) found.run(event); // a key that is held down means it once
    } else if (!inText && (name === 'arrowdown' || name === 'arrowup')) {
      if (along(event.target, name === 'arrowdown' ? 1 : -1)) event.preventDefault();
    }
  });
}

// The line one is on, or was on before one went to the foot; also where it was drawn anew meanwhile.
export function here() {
  const { row, list } = stood;
  if (!row || row.isConnected) return row;
  return rows().find((one) => one.dataset.key === row.dataset.key && one.parentElement === list) || null;
}

const rows = () => [...document.querySelectorAll('[data-row]')].filter((one) => one.offsetParent !== null);

function along(from, way) {
  const all = rows();
  if (!all.length || from.closest('[role=radiogroup]')) return false;
  const here = all.indexOf(from.closest('[data-row]'));
  const to = all[here < 0 ? (way > 0 ? 0 : all.length - 1) : here + way];
  if (to) stand(to);
  return Boolean(to);
}

export function stand(row) {
  for (const one of rows()) one.tabIndex = -1;
  row.tabIndex = 0;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest' });
}

// Where one is, to come back to when the screen was drawn anew.
export function placeOf(was) {
  const within = (name) => was && was.closest(`[data-${name}]`) && `[data-${name}="${CSS.escape(was.closest(`[data-${name}]`).dataset[name])}"]`;
  const place = was && was.id ? `#${CSS.escape(was.id)}` : within('step') ? `${within('step')} [tabindex="0"]` : within('key');
  return () => {
    const now = place && document.querySelector(place);
    if (!now) return;
    if (now.matches('[data-row]')) stand(now);
    else now.focus();
    if (typeof was.selectionStart === 'number') now.setSelectionRange(was.selectionStart, was.selectionEnd);
  };
}

// The foot lies over the end of the page, as high as what it has to say: nothing that gets the focus stays behind it.
export function clearOf(foot) {
  new ResizeObserver(() => clear(foot)).observe(foot);
}

function clear(foot) {
  document.documentElement.style.scrollPaddingBottom = `${foot.offsetHeight + 8}px`;
  document.body.style.paddingBottom = `${foot.offsetHeight + 24}px`;
}

// One line of a list is in the tab order; the arrows reach the others.
export function oneStop() {
  const all = rows();
  if (all.length && !all.some((one) => one.tabIndex === 0)) all[0].tabIndex = 0;
}

const named = { pageup: 'PgUp', escape: 'Esc', 'ctrl+enter': 'Ctrl+Enter', enter: 'Enter', '/': '/' };
const keyName = (key) => named[key] || key.toUpperCase();

// What is done to a line is offered where one stands on such a line (`on`); its key says so where one does not.
const offered = (one) => one.label && (!one.on || Boolean(here() && one.on(here().dataset)));

export function hints(footer) {
  const on = letters();
  shownAt = footer;
  const shown = bound.filter(offered).map((one) => ({ key: one.key, signature: JSON.stringify([one.label, one.strong, on]), value: one }));
  keep(footer, [...shown, { key: 'letters', signature: t('letter keys are on') + on, value: null }], (one) => (one ? hint(one, on) :
    h('button', { type: 'button', class: 'hint', id: 'letters', onclick: () => heed(footer) }, on ? t('letter keys are on') : t('letter keys are off'))));
  const foot = footer.closest('#foot');
  if (foot) clear(foot); // before the line one goes to is brought into sight
}

const hint = (one, on) =>
  // A click keeps the focus on the line it is about. What it does is looked up then: the line may be another by now.
  h('button', { type: 'button', onmousedown: (event) => event.preventDefault(), class: one.strong ? 'hint strong' : 'hint', onclick: (event) => bound.find((now) => now.key === one.key && now.label).run(event), 'data-does': one.does },
    (on || one.key.length > 1) && h('kbd', {}, keyName(one.key)), ' ', one.label);

// Asks for one line at the foot of the screen; what I read stays where it is. `id`: what it is about; what stands in the
// line is kept under it, as a draft is, until it is sent or left. `send(answer, key)`: the line closes when that is done,
// and stays, with what was wrong beside it, when it is refused. `about`: {note, words}, a note's words about it, which are shown and not
// kept, and go when they are taken back. `among`: for one of these as well, and the line may then
// be left out; the answer is {code, text}.
export function askLine(id, label, send, { about = null, hint: more = '', go = t('Enter'), among = null, most = 500 } = {}) {
  const before = document.activeElement;
  const box = document.getElementById('asking');
  let code = null;
  let sending = false;
  const keyOf = keyed();
  const done = () => {
    keeping.done().catch(() => {}).then(() => { lines += 1; changed(); });
    close();
  };
  function close() {
    if (!form.isConnected) return;
    hold(null);
    put(box);
    box.hidden = true;
    if (before && before.isConnected) before.focus({ preventScroll: true });
  }
  // What was typed is not thrown away unasked: it is there when it is asked again, and on the unit's screen.
  function leave() {
    if (!input.value.trim()) return done();
    close();
    say(t('Left. What you typed is kept until you send it or throw it away.'));
    return keeping.save().then(() => { lines += 1; changed(); });
  }
  const input = h('input', { id: 'asked', autocomplete: 'off', 'aria-describedby': 'wrong-asked' });
  const wrong = h('p', { id: 'wrong-asked', class: 'late', role: 'alert' });
  const group = among && choices({ name: label, options: among, set: (chosen) => { code = chosen; }, after: () => input.focus() });
  async function submit(event) {
    event.preventDefault();
    const text = input.value.trim();
    if (group && code === null) group.focus();
    else if ((group || text) && !sending) {
      sending = true;
      put(wrong);
      try {
        await send(group ? { code, text } : text, keyOf([code, text]));
        done();
      } catch (problem) {
        if (!(problem instanceof Refused || problem instanceof Unreachable || problem instanceof Unclear)) throw problem;
        put(wrong, !(problem instanceof Unreachable) ? problem.message : t('The server cannot be reached. What you typed stays here.'));
        input.focus();
      } finally {
        sending = false;
      }
    }
  }
  const words = about && h('strong', {}, about.words, ' ');
  const stop = about && watch(() => {
    if (desk.unsaid.has(about.note)) put(words);
    if (!words.isConnected) stop();
  });
  const form = h('form', { onsubmit: submit },
    group && [h('p', {}, label), group.node], h('label', { for: 'asked' }, words, group ? more : label), input,
    h('button', { type: 'submit' }, go),
    h('button', { type: 'button', onclick: leave }, h('kbd', {}, 'Esc'), ' ', t('leave it')),
    !group && more && h('p', { class: 'quiet' }, more), room(input, most), wrong);
  box.hidden = false;
  put(box, form);
  hold((event) => {
    if (event.key !== 'Escape' || !form.isConnected) return false;
    leave();
    return true;
  });
  (group || input).focus();
  const keeping = kept(`line-${id}`, { input }, { get: () => ({ line: label }), put: () => {} });
}

// The lines that were begun and neither sent nor left; and a number that tells whether there may be others by now.
export const begunLines = async () => (await vault.load('form')).filter((one) => one.data.extra && one.data.extra.line && one.data.input)
  .map((one) => ({ asked: one.data.extra.line, text: one.data.input, drop: () => vault.remove(one.id) }));
export class Unclear extends Error {} // what was typed cannot be meant; its message says why
let lines = 0;
export const lineMark = () => `${lines} ${saveMark()}`;

let fading = 0;
export function say(text, bad) {
  const box = document.getElementById('said');
  clearTimeout(fading);
  put(box, text);
  box.className = bad ? 'bad' : '';
  if (!bad) fading = setTimeout(() => put(box), 8000);
}

export const failed = (problem) => say(problem.problem ? problem.message
  : problem.sent ? t('The server cannot be reached. It is not known whether it was done: look before you do it again.') : t('The server cannot be reached.'), true);
