// The practice unit: five exercises that answer with reasons. Nothing in it is kept or sent; all it ever asks of the
// server is the exercises themselves. No answer is marked as right anywhere, so there is nothing to count.

import { choices } from './choices.js';
import { h, put } from './dom.js';
import { fresh } from './draft.js';
import { codes, language, t } from './words.js';
import { write } from './write.js';

async function fetched() {
  for (const name of [language(), 'en']) {
    const answer = await fetch(new URL(`exercises.${name}.json`, import.meta.url));
    if (answer.ok) return (await answer.json()).items;
  }
  return [];
}

export function practice(main, go) {
  const page = h('div', { class: 'lesson' });
  let items = [];
  const back = { key: 'escape', label: t('back'), run: () => go.show('unit') };
  let keys = [back];
  put(main, h('p', { class: 'practising' }, h('strong', {}, t('Practice unit')), ' · ', t('Nothing here is kept or sent, and nobody counts anything.')), page);
  fetched().then((found) => { items = found; list(); }, () => show([back], h('p', { role: 'alert' }, t('The exercises cannot be fetched now. Try again when the server is back.'))));

  function show(bound, ...children) {
    if (!page.isConnected) return;
    keys = bound;
    put(page, ...children);
    go.refresh();
    window.scrollTo(0, 0);
  }

  function list(at = 0) {
    const lines = items.map((one, place) => h('li', {}, h('button', { type: 'button', 'data-row': true, onclick: () => task(one, 0) }, h('kbd', {}, String(place + 1)), ' ', one.title)));
    show([
      ...items.map((one, place) => ({ key: String(place + 1), run: () => task(one, 0) })),
      back,
    ], h('h1', {}, t('Practise')), h('p', {}, t('Five short exercises. Every answer has its reason, also the one you would not have chosen: look at several.')), h('ol', { class: 'exercises' }, lines));
    if (lines[at]) lines[at].firstChild.focus();
  }

  function task(exercise, number) {
    const one = exercise.tasks[number];
    const last = number === exercise.tasks.length - 1;
    const writes = exercise.note && codes('basis').length > 0; // the form's words are there once somebody has logged in
    const on = last ? () => (writes ? note(exercise) : list(items.indexOf(exercise))) : () => task(exercise, number + 1);
    const because = h('div', { role: 'status', class: 'because' });
    const answers = choices({
      name: one.asks,
      options: one.answers.map((answer, place) => ({ code: String(place), label: answer.says })),
      set: (code) => {
        put(because, code !== null && h('p', {}, h('b', {}, `${one.answers[code].says}: `), one.answers[code].because));
        answers.focus();
      },
    });
    show([
      { key: 'n', label: last ? (writes ? t('write it yourself') : t('that was the last one')) : t('next'), strong: true, run: on },
      number > 0 && { key: 'b', label: t('the one before'), run: () => task(exercise, number - 1) },
      { key: 'escape', label: t('all exercises'), run: () => list(items.indexOf(exercise)) },
    ], h('h1', {}, exercise.title), number === 0 && h('p', { class: 'quiet' }, exercise.about),
    h('p', { class: 'quiet' }, t('{number} of {all}', { number: number + 1, all: exercise.tasks.length })),
    h('p', { class: 'told-of' }, one.says), h('h2', {}, one.asks), answers.node, because,
    last && exercise.note && !writes && h('p', { class: 'quiet' }, t('Log in, and there is a note to write at the end of this exercise.')));
    answers.focus();
  }

  // The form of every day, about somebody who does not exist.
  function note(exercise) {
    const { inmate, name, cell, tells, beside, looks } = exercise.note;
    const said = h('div', { class: 'because', tabindex: -1, 'aria-label': t('What can be said about it'), role: 'group', hidden: true });
    const form = h('div');
    put(page, h('h1', {}, exercise.title), h('p', { class: 'told-of' }, tells), said, form);
    const person = { inmate, name, cell };
    const screen = write(form, go, null, fresh(person), null, {
      holder: () => null,
      keep: async () => ({ words: t('practice: not kept') }),
      drop: async () => {},
      drafts: async () => [],
      hold: async () => () => {},
      begin: () => {},
      people: async () => [{ text: `${cell} ${name}`, value: person }],
      beside: async (box) => { put(box, h('h2', {}, t('what is known')), h('ul', {}, beside.map((line) => h('li', {}, line)))); return null; },
      instead: (draft) => {
        const found = standing(draft);
        said.hidden = false;
        put(said, h('h2', {}, t('What can be said about it')), looks.filter((one) => one.when.some((when) => (found[one.field] || ['-']).includes(when))).map((one) => h('p', {}, h('b', {}, `${titles()[one.field]}: `), one.because)),
          h('p', { class: 'quiet' }, t('Change what you like and look again. Nothing of it was sent.')));
        said.focus();
        said.scrollIntoView({ block: 'center' });
      },
    });
    keys = [
      { key: 'ctrl+enter', label: t('what can be said about it'), strong: true, run: screen.send },
      { key: 'escape', label: t('all exercises'), run: () => list(items.indexOf(exercise)) },
    ];
    go.refresh();
  }

  return { keys: () => keys };
}

const titles = () => ({
  mood: t('mood'), change: t('against usual'), basis: t('how I know'), fact: t('what happened'), opinion: t('what I make of it'),
  needs: t('needs'), responses: t('what I did'), attention: t('attention'), if_then: t('if it happens'),
});

// What stands in each field, as codes; `*` for whatever it is, `-` for nothing.
function standing(draft) {
  const some = (list) => (list.length ? [...list, '*'] : ['-']);
  const has = (value) => some(value ? [String(value)] : []);
  const { mood, needs } = draft;
  return {
    mood: some(mood.not_observed ? [mood.not_observed] : mood.valence !== undefined ? [String(mood.valence)] : []),
    change: has(draft.change), basis: has(draft.basis), fact: has(draft.fact.trim()), opinion: has(draft.opinion.trim()),
    needs: some(needs.length ? [...needs.map((one) => one.code), needs.some((one) => one.promised) ? 'PROMISED' : 'NOT_PROMISED', needs.some((one) => one.due_at) ? 'DUE' : 'NOT_DUE'] : []),
    responses: some(draft.responses.map((one) => one.code)), attention: has(draft.attention), if_then: has(draft.if_then.trim()),
  };
}
