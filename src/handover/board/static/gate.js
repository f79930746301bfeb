// The door: logging in, and the screen while it is locked. It shows nothing of people.

import { h, put } from './dom.js';
import * as away from './away.js';
import * as alarm from './alarm.js';
import * as keys from './keys.js';
import { languages } from './language.js';
import { local } from './local.js';
import { byPin, comeBack, hear, login, Refused, Unreachable } from './session.js';
import { t } from './words.js';
import { clock, now } from './times.js';

const HEAR_MS = 5000;

export const last = {
  get name() { return local.getItem('handover.last') || ''; },
  set name(value) { local.setItem('handover.last', value); },
};

// `why`: what the officer finds on coming back. `kept`: notes that wait here, by author, as numbers alone, and whether one is
// urgent.
export function gate(root, told) {
  const { why, name = '', kept = [], entered } = told;
  const user = h('input', { id: 'user', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', required: true, value: name, oninput: named, onkeydown: among });
  const password = h('input', { id: 'password', type: 'password', autocomplete: 'off', required: true });
  const asked = h('label', { for: 'password' });
  const instead = h('button', { type: 'button', onclick: () => { plain = true; named(); password.focus(); } }, t('Password instead'));
  let plain = false; // the password although a PIN would do
  const trouble = h('p', { id: 'trouble', role: 'alert' });
  const calls = h('p', { id: 'calls', role: 'alert' });
  const silent = h('p', { id: 'silent', role: 'status', hidden: true });
  const go = h('button', { type: 'submit', class: 'strong' }, name ? t('Unlock') : t('Log in'));
  const form = h('form', { class: 'gate', onsubmit: submit },
    h('h1', {}, name ? t('Locked') : t('Shift handover')),
    why && h('p', {}, why),
    h('label', { for: 'user' }, t('User name')), user,
    byPin().length > 0 && h('p', { class: 'quiet' }, h('kbd', {}, '↓'), ' ', t('those who were here this shift')),
    asked, password,
    trouble, go, instead,
    !navigator.cookieEnabled && h('p', { class: 'late' }, t('No cookies allowed here: it will lock every few minutes.')),
    kept.map((one) => h('p', { class: one.urgent ? 'late' : 'quiet' }, one.words)),
    h('p', { class: 'quiet' }, t('Notes are written by whoever is named on the screen. Lock it when you leave.')));
  const learn = h('button', { type: 'button', onclick: practise }, t('Practise'));
  const lessons = h('div', { hidden: true });
  const hints = h('nav', { id: 'keys', 'aria-label': t('Keys'), hidden: true });
  put(root, h('main', { id: 'main' }, form, calls, silent, lessons, hints));
  form.append(h('p', {}, learn, ' ', h('span', { class: 'quiet' }, t('Five short exercises; nothing is kept.'))));
  form.append(h('p', {}, languages(() => { const typed = user.value; gate(root, told); document.getElementById('user').value = typed; })));
  named();
  (name ? password : user).focus();
  listen();

  // Nobody sees anything of people here; but that somebody must come is said, and heard.
  async function listen() {
    if (!form.isConnected) return;
    try {
      const units = await hear();
      if (!form.isConnected) return;
      silent.hidden = !units;
      say(units && units.length ? t('ACT NOW in unit {units}: somebody must go. Unlock to see what it is.', { units: units.join(', ') }) : why && !units ? t('This locked screen hears no calls.') : '');
      alarm.ringLocked(Boolean(units && units.length));
    } catch (problem) {
      say(t('Not connected: this locked screen hears no calls. Use the radio.'));
      if (!(problem instanceof Refused || problem instanceof Unreachable)) throw problem;
    } finally {
      setTimeout(listen, HEAR_MS); // whatever it was, it goes on asking
    }
  }

  // To practise nobody has to log in. Calls are heard, and said, all the while.
  function practise() {
    const away_ = (gone) => { form.hidden = gone; lessons.hidden = hints.hidden = !gone; };
    import('./practice.js').then(({ practice }) => {
      const screen = practice(lessons, {
        show: () => { away_(false); put(lessons); keys.bind([]); learn.focus(); },
        refresh: () => { keys.bind(screen.keys()); keys.hints(hints); },
      });
      away_(true);
    }, () => say(t('The exercises cannot be fetched now. Try again when the server is back.')));
  }

  function say(text) {
    if (calls.textContent !== text) calls.textContent = text;
  }

  function who() {
    return user.value.trim().toLowerCase();
  }

  function pinDoes() {
    return !plain && byPin().includes(who());
  }

  // What is asked for is what whoever is named here may come in by.
  function named() {
    put(asked, pinDoes() ? t('PIN') : t('Password'));
    password.inputMode = pinDoes() ? 'numeric' : 'text';
    instead.hidden = !pinDoes();
  }

  // Up and down go through those who were here; Enter goes on to what they come in by.
  function among(event) {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const names = byPin();
    if (way && names.length) {
      const at = names.indexOf(who());
      user.value = names[at < 0 ? (way > 0 ? 0 : names.length - 1) : (at + way + names.length) % names.length];
      plain = false;
      named();
    } else if (!(event.key === 'Enter' && user.value && !password.value)) return;
    else password.focus();
    event.preventDefault();
  }

  // By the server; where it cannot be reached, by what this screen kept when it was locked without it.
  async function enter(who, secret, pin) {
    try {
      if (pin) {
        await comeBack(who, secret);
        away.forget();
      } else {
        await login(who, secret);
        await away.meet(who, secret);
      }
      return false;
    } catch (problem) {
      const refused = problem instanceof Refused ? problem.status < 500 : !(problem instanceof Unreachable);
      if (refused || !away.keeps(who)) throw problem;
      if (pin) {
        plain = true;
        throw new Refused(400, { detail: t('The server cannot be asked now: only your password opens this screen.') });
      }
      if (await away.open(who, secret)) return true;
      throw new Refused(400, { detail: t('That password does not open this screen (the server cannot be asked now).') });
    }
  }

  async function submit(event) {
    event.preventDefault();
    put(trouble);
    go.disabled = true;
    try {
      const name_ = who();
      const offline = await enter(name_, password.value, pinDoes());
      last.name = name_;
      alarm.ringLocked(false);
      await entered(offline);
    } catch (problem) {
      go.disabled = false;
      password.value = '';
      named();
      password.focus();
      if (problem instanceof Refused) put(trouble, problem.message);
      else if (problem instanceof Unreachable) put(trouble, t('The server cannot be reached ({time}). Urgent? Use the radio.', { time: clock(now()) }));
      else throw problem;
    }
  }
}
