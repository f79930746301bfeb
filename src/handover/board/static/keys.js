// The keyboard: letters for what one can do here, arrows along whatever can be read line by line.

import { choices } from './choices.js';
import { h, keep, put } from './dom.js';
import { t } from './words.js';

const LETTERS = 'handover.letters';
let bound = [];
let held = null;
let stood = { row: null, list: null }; // the line one was on last

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
const letters = () => localStorage.getItem(LETTERS) !== 'off';

function heed(footer) {
  localStorage.setItem(LETTERS, letters() ? 'off' : 'on');
  document.body.dataset.letters = letters() ? 'on' : 'off';
  say(letters() ? t('Every letter that is shown does what it says.') : t('No single letter does anything now; Tab and Enter do.'));
  hints(footer);
}

export function listen() {
  document.body.dataset.letters = letters() ? 'on' : 'off';
  document.addEventListener('focusin', ({ target }) => {
    // From a line to what can be done with it: one is still on that line.
    const row = target.closest('[data-row]');
    if (!target.closest('#foot')) stood = { row, list: row && row.parentElement };
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
      found.run(event);
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

// The foot lies over the end of the page, as high as what it has to say: nothing that gets the focus stays behind it.
export function clearOf(foot) {
  new ResizeObserver(() => {
    document.documentElement.style.scrollPaddingBottom = `${foot.offsetHeight + 8}px`;
    document.body.style.paddingBottom = `${foot.offsetHeight + 24}px`;
  }).observe(foot);
}

// One line of a list is in the tab order; the arrows reach the others.
export function oneStop() {
  const all = rows();
  if (all.length && !all.some((one) => one.tabIndex === 0)) all[0].tabIndex = 0;
}

const named = { pageup: 'PgUp', escape: 'Esc', 'ctrl+enter': 'Ctrl+Enter', enter: 'Enter', '/': '/' };
export const keyName = (key) => named[key] || key.toUpperCase();

export function hints(footer) {
  const on = letters();
  const shown = bound.filter((one) => one.label).map((one) => ({ key: one.key, signature: JSON.stringify([one.label, one.strong, on]), value: one }));
  keep(footer, [...shown, { key: 'letters', signature: t('letter keys are on') + on, value: null }], (one) => (one ? hint(one, on) :
    h('button', { type: 'button', class: 'hint', id: 'letters', onclick: () => heed(footer) }, on ? t('letter keys are on') : t('letter keys are off'))));
}

const hint = (one, on) =>
  // A click keeps the focus on the line it is about. What it does is looked up then: the line may be another by now.
  h('button', { type: 'button', onmousedown: (event) => event.preventDefault(), class: one.strong ? 'hint strong' : 'hint', onclick: (event) => bound.find((now) => now.key === one.key && now.label).run(event), 'data-does': one.does },
    (on || one.key.length > 1) && h('kbd', {}, keyName(one.key)), ' ', one.label);

// Asks for one line at the foot of the screen; what I read stays where it is. `among`: for one of these as well, and the
// line may then be left out; answers {code, text}.
export function askLine(label, { value = '', hint: more = '', go = t('Enter'), among = null } = {}) {
  const before = document.activeElement;
  return new Promise((resolve) => {
    const box = document.getElementById('asking');
    let code = null;
    const done = (answer) => {
      hold(null);
      put(box);
      box.hidden = true;
      if (before && before.isConnected) before.focus({ preventScroll: true });
      resolve(answer);
    };
    const input = h('input', { id: 'asked', autocomplete: 'off', value, maxlength: 500 });
    const group = among && choices({ name: label, options: among, set: (chosen) => { code = chosen; }, after: () => input.focus() });
    function send(event) {
      event.preventDefault();
      const text = input.value.trim();
      if (group && code === null) group.focus();
      else if (group) done({ code, text });
      else if (text) done(text);
    }
    box.hidden = false;
    put(box, h('form', { onsubmit: send },
      group && [h('p', {}, label), group.node], h('label', { for: 'asked' }, group ? more : label), input,
      h('button', { type: 'submit' }, go),
      h('button', { type: 'button', onclick: () => done(null) }, h('kbd', {}, 'Esc'), ' ', t('leave it')),
      !group && more && h('p', { class: 'quiet' }, more)));
    hold((event) => {
      if (event.key !== 'Escape') return false;
      done(null);
      return true;
    });
    (group || input).focus();
  });
}

let fading = 0;
export function say(text, bad) {
  const box = document.getElementById('said');
  clearTimeout(fading);
  put(box, text);
  box.className = bad ? 'bad' : '';
  if (!bad) fading = setTimeout(() => put(box), 8000);
}

export const failed = (problem) => say(problem.problem ? problem.message : t('The server cannot be reached. Nothing was changed.'), true);
