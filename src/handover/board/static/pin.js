// Choosing a PIN. It does at this browser alone, from the password on and for some hours, where the prison allows it.

import { desk } from './desk.js';
import { h, put } from './dom.js';
import { failed, say } from './keys.js';
import { choosePin } from './session.js';
import { t } from './words.js';

export function pin(main, go) {
  const rule = desk.me.screen;
  const secret = (id, more) => h('input', { id, type: 'password', autocomplete: 'off', ...more });
  const password = secret('its-password', { required: true, 'data-first': true });
  const digits = { inputmode: 'numeric', pattern: '[0-9]{6,12}', maxlength: 12, title: t('6 to 12 digits') };
  const first = secret('its-pin', digits);
  const again = secret('pin-again', digits);
  const trouble = h('p', { class: 'late', role: 'alert' });
  put(main, h('form', { class: 'gate', onsubmit: (event) => { event.preventDefault(); send(first.value); } },
    h('h2', {}, t('A PIN for coming back')),
    h('p', {}, t('With it you come back quickly to a screen at which you gave your password in this shift. After some hours, or five wrong PINs, the password is wanted again.')),
    h('p', {}, t('Colleagues see your fingers: no birthday, no line on the keypad, not the PIN of your bank card.')),
    h('label', { for: 'its-password' }, t('Password')), password,
    h('label', { for: 'its-pin' }, t('PIN, 6 to 12 digits')), first,
    h('label', { for: 'pin-again' }, t('The same again')), again,
    trouble,
    h('button', { type: 'submit', class: 'strong' }, t('Take this PIN')),
    rule.pin_set && h('button', { type: 'button', onclick: () => send(null) }, t('I want no PIN any more'))));

  async function send(chosen) {
    put(trouble);
    if (chosen !== null && chosen !== again.value) return put(trouble, t('These two are not the same.'));
    try {
      await choosePin(desk.me.username, password.value, chosen);
      rule.pin_set = chosen !== null;
      go.show('unit');
      return say(chosen === null ? t('Your PIN is gone, everywhere.') : t('From now on this PIN brings you back here.'));
    } catch (problem) {
      if (!problem.problem) return failed(problem);
      const errors = problem.problem.errors || [];
      password.focus();
      return put(trouble, errors.length ? errors[0].detail : problem.message);
    }
  }

  return { keys: () => [{ key: 'escape', label: t('back'), run: () => go.show('unit') }] };
}
