// The door: logging in, and the screen while it is locked. It shows nothing of people.

import { h, put } from './dom.js';
import * as away from './away.js';
import * as alarm from './alarm.js';
import * as keys from './keys.js';
import { languages } from './language.js';
import { practice } from './practice.js';
import { hear, login, Refused, Unreachable } from './session.js';
import { t } from './words.js';
import { clock } from './times.js';

const HEAR_MS = 5000;

export const last = {
  get name() { return localStorage.getItem('handover.last') || ''; },
  set name(value) { localStorage.setItem('handover.last', value); },
};

// `why`: what the officer finds on coming back. `kept`: notes that wait here, by author, as numbers alone.
export function gate(root, told) {
  const { why, name = '', kept = [], entered } = told;
  const user = h('input', { id: 'user', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', required: true, value: name });
  const password = h('input', { id: 'password', type: 'password', autocomplete: 'off', required: true });
  const trouble = h('p', { id: 'trouble', role: 'alert' });
  const calls = h('p', { id: 'calls', role: 'alert' });
  const go = h('button', { type: 'submit', class: 'strong' }, name ? t('Unlock') : t('Log in'));
  const form = h('form', { class: 'gate', onsubmit: submit },
    h('h1', {}, name ? t('Locked') : t('Shift handover')),
    why && h('p', {}, why),
    h('label', { for: 'user' }, t('User name')), user,
    h('label', { for: 'password' }, t('Password')), password,
    trouble, go,
    kept.map((text) => h('p', { class: 'quiet' }, text)),
    h('p', { class: 'quiet' }, t('Notes are written by whoever is named on the screen. Lock it when you leave.')));
  const learn = h('button', { type: 'button', onclick: practise }, t('Practise'));
  const lessons = h('div', { hidden: true });
  const hints = h('nav', { id: 'keys', 'aria-label': t('Keys'), hidden: true });
  put(root, h('main', { id: 'main' }, form, calls, lessons, hints));
  form.append(h('p', {}, learn, ' ', h('span', { class: 'quiet' }, t('Five short exercises; nothing is kept.'))));
  form.append(h('p', {}, languages(() => { const typed = user.value; gate(root, told); document.getElementById('user').value = typed; })));
  (name ? password : user).focus();
  listen();

  // Nobody sees anything of people here; but that somebody must come is said, and heard.
  async function listen() {
    if (!form.isConnected) return;
    try {
      const units = await hear();
      if (!form.isConnected) return;
      say(units && units.length ? t('ACT NOW in unit {units}: somebody must go. Unlock to see what it is.', { units: units.join(', ') }) : why && !units ? t('This locked screen hears no calls.') : '');
      alarm.ringLocked(Boolean(units && units.length));
    } catch (problem) {
      if (!(problem instanceof Refused || problem instanceof Unreachable)) throw problem;
      say(t('Not connected: this locked screen hears no calls. Use the radio.'));
    }
    setTimeout(listen, HEAR_MS);
  }

  // To practise nobody has to log in. Calls are heard, and said, all the while.
  function practise() {
    const away_ = (gone) => { form.hidden = gone; lessons.hidden = hints.hidden = !gone; };
    const screen = practice(lessons, {
      show: () => { away_(false); put(lessons); keys.bind([]); learn.focus(); },
      refresh: () => { keys.bind(screen.keys()); keys.hints(hints); },
    });
    away_(true);
  }

  function say(text) {
    if (calls.textContent !== text) calls.textContent = text;
  }

  // By the server; where it cannot be reached, by what this screen kept when it was locked without it.
  async function enter(who, secret) {
    try {
      await login(who, secret);
      await away.meet(who, secret);
      return false;
    } catch (problem) {
      if (!(problem instanceof Unreachable) || !away.keeps(who)) throw problem;
      if (await away.open(who, secret)) return true;
      throw new Refused(400, { detail: t('That password does not open this screen (the server cannot be asked now).') });
    }
  }

  async function submit(event) {
    event.preventDefault();
    put(trouble);
    go.disabled = true;
    try {
      const who = user.value.trim().toLowerCase();
      const offline = await enter(who, password.value);
      last.name = who;
      alarm.ringLocked(false);
      await entered(offline);
    } catch (problem) {
      go.disabled = false;
      password.value = '';
      password.focus();
      if (problem instanceof Refused) put(trouble, problem.message);
      else if (problem instanceof Unreachable) put(trouble, t('The server cannot be reached ({time}). Urgent? Use the radio.', { time: clock(new Date()) }));
      else throw problem;
    }
  }
}
