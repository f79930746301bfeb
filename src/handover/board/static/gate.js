// The door: logging in, and the screen while it is locked. It shows nothing of people.

import { h, put } from './dom.js';
import { login, Refused } from './session.js';
import { t } from './words.js';
import { clock } from './times.js';

export const last = {
  get name() { return localStorage.getItem('handover.last') || ''; },
  set name(value) { localStorage.setItem('handover.last', value); },
};

// `why`: what the officer finds on coming back. `kept`: notes that wait here, by author, as numbers alone.
export function gate(root, { why, name = '', kept = [], entered }) {
  const user = h('input', { id: 'user', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', required: true, value: name });
  const password = h('input', { id: 'password', type: 'password', autocomplete: 'off', required: true });
  const trouble = h('p', { id: 'trouble', role: 'alert' });
  const go = h('button', { type: 'submit', class: 'strong' }, name ? t('Unlock') : t('Log in'));
  const form = h('form', { class: 'gate', onsubmit: submit },
    h('h1', {}, name ? t('Locked') : t('Shift handover')),
    why && h('p', {}, why),
    h('label', { for: 'user' }, t('User name')), user,
    h('label', { for: 'password' }, t('Password')), password,
    trouble, go,
    kept.map((text) => h('p', { class: 'quiet' }, text)),
    h('p', { class: 'quiet' }, t('Notes are written by whoever is named on the screen. Lock it when you leave.')));
  put(root, h('main', { id: 'main' }, form));
  (name ? password : user).focus();

  async function submit(event) {
    event.preventDefault();
    put(trouble);
    go.disabled = true;
    try {
      await login(user.value.trim(), password.value);
      last.name = user.value.trim().toLowerCase();
      await entered();
    } catch (problem) {
      go.disabled = false;
      password.value = '';
      password.focus();
      if (problem instanceof Refused) put(trouble, problem.message);
      else if (problem.name === 'Error') put(trouble, t('The server cannot be reached ({time}). Urgent? Use the radio.', { time: clock(new Date()) }));
      else throw problem;
    }
  }
}
