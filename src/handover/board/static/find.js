// Finding somebody, on this unit or elsewhere in the prison.

import { h, put } from './dom.js';
import { picker } from './choices.js';
import { nobody, people } from './matching.js';
import { t } from './words.js';

export function find(main, go) {
  const input = picker({ label: t('Whom do you look for? Cell, number or a few letters'), id: 'in-find', unknown: nobody, find: (text) => people(text, false), pick: (one) => go.show('person', one.inmate) });
  put(main, h('div', { class: 'form' }, h('label', { for: 'in-find' }, t('Whom do you look for? Cell, number or a few letters')), input.node));
  input.focus();
  return { keys: () => [{ key: 'escape', label: t('back'), run: () => go.show('unit') }] };
}
