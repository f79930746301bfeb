// The keyboard: letters for what one can do here, arrows along whatever can be read line by line.

import { h, put } from './dom.js';
import { t } from './words.js';

let bound = [];
let held = null;

export function bind(list) {
  bound = list.filter(Boolean);
}

// While something small is asked, its keys come first.
export function hold(handler) {
  held = handler;
}

const typing = (element) => element.matches('input:not([type=checkbox]):not([type=radio]), textarea, select');

export function listen() {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (held && held(event)) return event.preventDefault();
    const name = (event.ctrlKey || event.metaKey ? 'ctrl+' : '') + (event.altKey ? 'alt+' : '') + event.key.toLowerCase();
    const inText = typing(event.target);
    const found = bound.find((one) => one.key === name && (!inText || /^(ctrl|alt)\+/.test(name) || name === 'escape' || name === 'pageup'));
    if (found) {
      event.preventDefault();
      found.run(event);
    } else if (!inText && (name === 'arrowdown' || name === 'arrowup')) {
      if (along(event.target, name === 'arrowdown' ? 1 : -1)) event.preventDefault();
    }
  });
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
  put(footer, bound.filter((one) => one.label).map((one) =>
    // A click keeps the focus on the line it is about.
    h('button', { type: 'button', onmousedown: (event) => event.preventDefault(), class: one.strong ? 'hint strong' : 'hint', onclick: (event) => one.run(event), 'data-does': one.does },
      h('kbd', {}, keyName(one.key)), ' ', one.label)));
}

// Asks for one line at the foot of the screen; what I read stays where it is.
export function askLine(label, { value = '', hint = '', go = t('Enter') } = {}) {
  const before = document.activeElement;
  return new Promise((resolve) => {
    const box = document.getElementById('asking');
    const done = (answer) => {
      hold(null);
      put(box);
      box.hidden = true;
      if (before && before.isConnected) before.focus({ preventScroll: true });
      resolve(answer);
    };
    const input = h('input', { id: 'asked', autocomplete: 'off', value, maxlength: 500 });
    box.hidden = false;
    put(box, h('form', { onsubmit: (event) => { event.preventDefault(); if (input.value.trim()) done(input.value.trim()); } },
      h('label', { for: 'asked' }, label), input,
      h('button', { type: 'submit' }, go),
      h('button', { type: 'button', onclick: () => done(null) }, h('kbd', {}, 'Esc'), ' ', t('leave it')),
      hint && h('p', { class: 'quiet' }, hint)));
    hold((event) => {
      if (event.key !== 'Escape') return false;
      done(null);
      return true;
    });
    input.focus();
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
