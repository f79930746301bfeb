// Choosing one of a few by a key, and finding one of many by a few letters. Nothing is ever chosen beforehand.

import { h, newId, put } from './dom.js';
import { n, t } from './words.js';

const SHOWN = 40;

const radio = (attributes, ...children) => h('div', { role: 'radio', 'aria-checked': 'false', tabindex: -1, ...attributes }, ...children);

// `options`: [{code, label, anchor}]. A digit chooses and goes on, arrows and Enter too; Backspace takes it back.
export function choices({ name, options, value = null, set, after, describe }) {
  let chosen = value;
  const box = h('div', { role: 'radiogroup', 'aria-label': name, class: 'choices', 'data-choice': true });
  const anchor = h('p', { class: 'anchor', id: newId('anchor'), hidden: !describe });
  const nodes = options.map((one, place) => radio({
    'data-code': one.code, title: one.anchor, onclick: () => pick(one.code, true), onfocus: () => put(anchor, one.anchor || ''),
  }, h('kbd', { 'aria-hidden': 'true' }, String(place + 1)), one.label));
  put(box, nodes);
  paint();

  function paint() {
    nodes.forEach((node) => node.setAttribute('aria-checked', String(node.dataset.code === String(chosen))));
    const stop = nodes.find((node) => node.dataset.code === String(chosen)) || nodes[0];
    nodes.forEach((node) => { node.tabIndex = node === stop ? 0 : -1; });
  }

  function pick(code, on) {
    chosen = code;
    paint();
    set(code);
    if (on && after) after();
  }

  box.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const here = nodes.indexOf(document.activeElement);
    const digit = Number(event.key) - 1;
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (options[digit] && event.key !== '0') pick(options[digit].code, true);
    else if (way) nodes[(here + way + nodes.length) % nodes.length].focus();
    else if (event.key === 'Enter' || event.key === ' ') pick(options[here].code, true);
    else if (event.key === 'Backspace') pick(null, false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { node: h('div', {}, box, anchor), focus: () => (nodes.find((node) => node.tabIndex === 0) || nodes[0]).focus() };
}

// Mood as a grid: five down, five across, each step a behaviour.
export function moodGrid({ down, across, gone, value, set, after }) {
  let chosen = value || {};
  const cells = [];
  const anchor = h('p', { class: 'anchor', 'aria-live': 'off' });
  const tell = (...parts) => put(anchor, parts.filter(Boolean).map((one) => h('span', { class: 'told' }, h('b', {}, `${one.label}: `), one.anchor, ' ')));
  const grid = h('div', { role: 'radiogroup', 'aria-label': t('mood: down from low to good, across from shut down to out of control'), class: 'grid', 'data-choice': true });
  put(grid, h('span', { class: 'head', 'aria-hidden': 'true' }), across.map((one) => h('span', { class: 'head', 'aria-hidden': 'true', title: one.anchor }, one.label)),
    down.map((row) => [h('span', { class: 'head', 'aria-hidden': 'true', title: row.anchor }, row.label), across.map((column) => {
      const cell = radio({
        'aria-label': `${row.label}, ${column.label}. ${row.anchor} ${column.anchor}`, 'data-v': row.code, 'data-e': column.code,
        onfocus: () => tell(row, column), onclick: () => pick({ valence: Number(row.code), energy: Number(column.code) }, true),
      });
      cells.push(cell);
      return cell;
    })]));
  const instead = choices({ name: t('not observed, because'), options: gone, value: chosen.not_observed, set: (code) => pick(code ? { not_observed: code } : {}, false), after });
  paint();

  function paint() {
    for (const cell of cells) cell.setAttribute('aria-checked', String(Number(cell.dataset.v) === chosen.valence && Number(cell.dataset.e) === chosen.energy));
    const stop = cells.find((cell) => cell.getAttribute('aria-checked') === 'true') || cells[12];
    cells.forEach((cell) => { cell.tabIndex = cell === stop ? 0 : -1; });
  }

  function pick(mood, on) {
    chosen = mood;
    paint();
    set(mood);
    if (on && after) after();
  }

  grid.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const here = cells.indexOf(document.activeElement);
    const [row, column] = [Math.floor(here / 5), here % 5];
    const to = { ArrowRight: [row, column + 1], ArrowLeft: [row, column - 1], ArrowDown: [row + 1, column], ArrowUp: [row - 1, column] }[event.key];
    if (to) {
      if (to[0] >= 0 && to[0] < 5 && to[1] >= 0 && to[1] < 5) cells[to[0] * 5 + to[1]].focus();
    } else if (event.key === 'Enter' || event.key === ' ') pick({ valence: Number(cells[here].dataset.v), energy: Number(cells[here].dataset.e) }, true);
    else if (event.key === 'Backspace') pick({}, false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { node: h('div', {}, grid, anchor, h('div', { class: 'choices' }, h('span', { class: 'quiet' }, t('or not observed: ')), instead.node)), focus: () => cells.find((cell) => cell.tabIndex === 0).focus() };
}

// `find(text)` answers [{text, value, rank}] at once or later; Enter takes the one that is marked. `typed` hears what stands
// there; with `leaves`, what is meant is taken when the field is left as well, and `pick` hears that nobody waits for it.
export function picker({ label, hint = '', find, pick, skip, id = newId('pick'), text = '', typed = () => {}, leaves = false, unknown = (words) => t('Nothing is known as “{words}”.', { words }) }) {
  const list = h('ul', { role: 'listbox', class: 'found', id: `${id}-list`, 'aria-label': label });
  const wrong = h('p', { class: 'wrong', id: `${id}-wrong`, role: 'alert' });
  const input = h('input', { id, role: 'combobox', 'aria-expanded': 'false', 'aria-controls': `${id}-list`, 'aria-autocomplete': 'list', 'aria-describedby': `${id}-wrong`, 'aria-label': label, autocomplete: 'off', spellcheck: 'false', placeholder: hint, class: 'long', value: text });
  let found = [];
  let at = 0;
  let chosen = false; // the arrows went to it
  let search = null; // {words, done, runs}: what `found` is found by

  function look() {
    const words = input.value.trim();
    if (search && search.words === words && (search.runs || found.length)) return search.done;
    const mine = search = { words, runs: true };
    mine.done = (async () => {
      const answer = words ? await find(words) : [];
      if (mine !== search) return;
      mine.runs = false;
      found = answer.slice(0, 8);
      at = 0;
      chosen = false;
      paint();
    })();
    return mine.done;
  }

  function paint() {
    put(list, found.map((one, place) => h('li', { role: 'option', id: `${id}-${place}`, 'aria-selected': String(place === at), onmousedown: (event) => event.preventDefault(), onclick: () => take(place) }, one.text)));
    input.setAttribute('aria-expanded', String(found.length > 0));
    if (found.length) input.setAttribute('aria-activedescendant', `${id}-${at}`);
    else input.removeAttribute('aria-activedescendant');
  }

  function close() {
    found = [];
    search = null;
    paint();
  }

  function say(words) {
    put(wrong, words);
    if (words) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }

  function take(place, left = false) {
    const one = found[place];
    input.value = '';
    close();
    say('');
    typed('');
    pick(one.value, left);
  }

  // Takes what is meant where nothing else can be; answers whether nothing is left that is not understood.
  async function settle() {
    if (input.value.trim()) await look();
    const words = input.value.trim();
    if (!words) return true;
    const sure = chosen || found.length === 1 || (found.length > 1 && found[0].rank < found[1].rank);
    if (sure) take(at, true);
    else say(found.length ? t('“{words}” fits several: choose one.', { words }) : unknown(words));
    return sure;
  }

  input.addEventListener('input', () => { say(''); typed(input.value); look(); });
  input.addEventListener('focus', () => { if (input.value.trim()) look(); });
  input.addEventListener('blur', () => setTimeout(async () => {
    if (document.activeElement === input || !input.isConnected) return;
    if (leaves) await settle();
    if (document.activeElement !== input) close();
  }, 200));
  input.addEventListener('keydown', async (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (way && found.length) {
      at = (at + way + found.length) % found.length;
      chosen = true;
      paint();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      event.stopPropagation();
      if (!input.value.trim()) return skip && skip();
      await look(); // a quick hand presses Enter before the answer to the last letter is there
      if (found.length) take(at);
      else if (input.value.trim()) say(unknown(input.value.trim()));
      return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { node: h('div', {}, input, list, wrong), input, settle, focus: () => input.focus() };
}

// Words, up to so many letters; Enter goes on. Nothing of what is pasted is cut off: what is too much is said.
export function sentence({ name, title, rows, most, value, set, after }) {
  const area = h('textarea', { 'aria-label': title, rows, spellcheck: 'true', id: `in-${name}`, value, oninput: () => set(area.value) });
  area.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    event.preventDefault();
    after();
  });
  return { node: h('div', {}, area, room(area, most)), focus: () => area.focus() };
}

// What is said under an input that takes so many letters, where they become scarce. Nothing that is pasted is cut off.
export function room(input, most) {
  const said = h('p', { id: `room-${input.id}`, role: 'status' });
  function show() {
    const left = most - letters(input.value).length;
    const words = left < 0 ? tooMuch(input.value, most) : left <= most / 10 ? n('{n} letter left', '{n} letters left', left) : '';
    if (said.textContent === words) return;
    put(said, words);
    said.className = left < 0 ? 'late' : 'quiet';
  }
  input.setAttribute('aria-describedby', `${input.getAttribute('aria-describedby') || ''} ${said.id}`.trim());
  input.addEventListener('input', show);
  show();
  return said;
}

export const letters = (text) => [...text.trim()];

function tooMuch(text, most) {
  const beyond = letters(text).slice(most);
  const words = `${beyond.slice(0, SHOWN).join('')}${beyond.length > SHOWN ? ' …' : ''}`;
  return n('{n} letter too many, from “{words}” on. Nothing was cut off.', '{n} letters too many, from “{words}” on. Nothing was cut off.', beyond.length, { words });
}
