// The language of this screen: as its browser asks for it, until an officer chooses another at it.

import { h } from './dom.js';
import { local } from './local.js';
import { language, speak, t } from './words.js';

const KEPT = 'handover.language';
const NAMES = { cy: 'Cymraeg', de: 'Deutsch', en: 'English', es: 'Español', fr: 'Français', nl: 'Nederlands' };
const offered = () => document.body.dataset.languages.split(' ');

// As it was chosen here the last time, or as the page came. Where those words do not come, in English: it is in the script.
export async function begin() {
  const kept = local.getItem(KEPT);
  await use(offered().includes(kept) ? kept : language()).catch(() => use('en'));
}

async function use(name) {
  await speak(name);
  const practice = document.querySelector('.practice');
  if (practice) practice.textContent = t('PRACTICE: nothing here is real');
}

// `then`: shows the screen anew; told from where one came to the menu, it answers whether it gave the focus back. Each language is called as those who speak it call it.
export function languages(then) {
  let from = null;
  const choose = async (event) => {
    const name = event.target.value;
    try {
      await use(name);
      local.setItem(KEPT, name);
      if (await then(from)) return;
    } catch (problem) {
      event.target.value = language(); // without the server there are no other words
    }
    const again = document.getElementById('language');
    if (again) again.focus();
  };
  return h('select', { id: 'language', class: 'language', 'aria-label': t('Language'), onchange: choose, onfocus: (event) => { from = event.relatedTarget; } },
    offered().map((name) => h('option', { value: name, lang: name, selected: name === language() }, NAMES[name] || name)));
}
