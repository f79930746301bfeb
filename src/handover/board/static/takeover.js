// Taking over: item by item, then the roll, then the handover in my own words.

import { room } from './choices.js';
import { h, put } from './dom.js';
import { desk, learnHandover, refresh, unitName } from './desk.js';
import { askLine, say } from './keys.js';
import { create, get, keyed, who } from './session.js';
import { n, t } from './words.js';
import { clock, now } from './times.js';
import { staff } from './phrases.js';
import { kept } from './forms.js';
import { concerns, groups, isCount, itemCard, notACount, queryCard, sinceCard } from './walk.js';

export function takeOver(box, go, offered, took) {
  const list = groups(offered);
  const had = new Set();
  const unshown = new Map(); // from the item: its notes that could not be had
  let at = 0;
  let drawn = '';
  let unsaid = desk.unsaid.size;
  let sending = false;
  let asking = null;
  let over = false; // it was taken back, or somebody else has it: nothing is asked any more
  const keyOf = keyed();
  const place = h('div', { 'aria-live': 'polite' });
  const questions = h('div');
  const bar = h('progress', { max: Math.max(1, list.length), value: 0, 'aria-label': t('how far') });
  const far = h('span');
  const roll = h('input', { id: 'roll', inputmode: 'numeric' });
  const why = h('input', { id: 'why', class: 'long' });
  const whyBox = h('div', { hidden: true }, h('label', { for: 'why' }, t('It does not match. Count again; if it still differs, say why')), why, room(why, 500));
  const readBack = h('textarea', { id: 'read-back', rows: 3, spellcheck: 'true' });
  const anyway = h('input', { type: 'checkbox', id: 'anyway' });
  const anywayBox = h('p', { hidden: true }, h('label', {}, anyway, ' ', t('accept although questions are open; they stay open')));
  const trouble = h('p', { class: 'late', role: 'alert' });
  const end = h('form', { class: 'form', hidden: true, onsubmit: submit },
    h('h2', {}, t('The roll')),
    h('label', { for: 'roll' }, offered.roll.expected === null ? t('How many people you counted') : t('How many people you counted ({name} said {n})', { name: staff(offered.outgoing), n: offered.roll.expected })), roll, whyBox,
    h('label', { for: 'read-back' }, t('The handover in your own words: that is where mistakes show')), readBack, room(readBack, 1000), anywayBox, trouble,
    h('div', {}, h('button', { type: 'submit', class: 'strong' }, t('I take over {unit}', { unit: unitName(offered.unit) }))));
  const missed = h('div');
  const since = h('div', { 'aria-live': 'polite' });
  put(box, h('h2', {}, t('{name} hands {unit} over to you', { name: staff(offered.outgoing), unit: unitName(offered.unit) }), ' ', bar, ' ', far),
    offered.remarks && h('p', {}, h('strong', {}, t('{name} adds: ', { name: staff(offered.outgoing) })), offered.remarks), place, questions, missed, since, end);
  roll.addEventListener('input', () => { whyBox.hidden = !differs(); });
  // Whoever said "I have it" once too often did not mean to write here.
  roll.addEventListener('keydown', (event) => { if (/^[yn]$/i.test(event.key) && !event.ctrlKey && !event.metaKey) event.preventDefault(); });
  for (const [input, next] of [[roll, () => (whyBox.hidden ? readBack : why)], [why, () => readBack]]) input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    next().focus();
  });
  readBack.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    submit(event);
  });
  const progress = { get: () => [...had], put: (keys) => keys.forEach((one) => had.add(one)) };
  const keeping = kept(`take-${offered.id}`, { roll, why, readBack }, progress);
  keeping.ready.then(() => {
    at = Math.max(0, list.findIndex((group) => !had.has(group.inmate || '-')));
    if (list.every((group) => had.has(group.inmate || '-'))) at = list.length;
    draw();
  });

  const current = () => list[at] || null;
  const latest = () => desk.handovers.get(offered.id) || offered;
  const differs = () => offered.roll.expected !== null && roll.value.trim() !== '' && isCount(roll) && Number(roll.value) !== offered.roll.expected;
  const isOver = () => ['ACCEPTED', 'ACCEPTED_WITH_QUERIES', 'WITHDRAWN'].includes(latest().state);
  const unanswered = () => latest().queries.filter((one) => !one.answers.length && one.text !== null);

  // `still`: because of what others did; the cursor stays where it is.
  async function draw(still) {
    if (over) return;
    const group = current();
    bar.value = had.size;
    far.textContent = t('{done} of {all}', { done: had.size, all: list.length });
    end.hidden = Boolean(group);
    put(missed, !group && list.filter((one) => !had.has(one.inmate || '-')).map((one) => h('p', {}, h('button', { type: 'button', onclick: () => { at = list.indexOf(one); draw(); } }, t('not yet: {who}', { who: name(one) })))));
    if (!group) {
      put(place);
      whyBox.hidden = !differs();
      roll.focus();
    } else {
      const { card, unread } = await itemCard(group, () => draw(), offered.offered_at);
      if (over || current() !== group) return;
      unshown.set(group, unread);
      put(place, h('article', { class: 'item', tabindex: -1, id: 'item' }, card));
      if (!still || document.activeElement === document.body) document.getElementById('item').focus({ preventScroll: true });
    }
    drawn = '';
    update();
    go.refresh();
  }

  const name = (group) => { const known = desk.cells.get(group.inmate); return known ? `${known.cell || ''} ${known.name}`.trim() : group.inmate || unitName(offered.unit); };

  // Answers come into the item while I look at it.
  function update() {
    if (over || sending) return;
    if (isOver()) return stop();
    // The sheet knows of it although no event came (after a long time without the network).
    if (desk.sheet && desk.unit === offered.unit && desk.sheet.handover.id !== offered.id && !asking) {
      asking = get(`/v1/handovers/${offered.id}`).then(learnHandover).then(update, () => {}).finally(() => { asking = null; });
    }
    const one = latest();
    if (unsaid !== desk.unsaid.size && current()) draw(true);
    unsaid = desk.unsaid.size;
    const card = !current() && sinceCard(latest());
    if (since.textContent !== (card ? card.textContent : '')) put(since, card);
    const said = JSON.stringify([one.queries, at]); // the version does not count what only some may read
    if (drawn === said) return;
    drawn = said;
    const group = current();
    put(questions, one.queries.filter((query) => !group || concerns(query, group)).map((query) => queryCard(query)));
    anywayBox.hidden = !unanswered().length;
  }

  // Said at the top, at once. My own words stay to be read, and the cursor in them: no letter that is still being typed
  // becomes a key.
  function stop() {
    const { state, outgoing, incoming, withdrawal } = latest();
    over = true;
    for (const input of [roll, why, readBack]) input.readOnly = true;
    for (const part of [whyBox, anywayBox, roll.previousSibling, roll, end.querySelector('h2'), end.querySelector('button')]) part.hidden = true;
    const reason = withdrawal && withdrawal.reason;
    put(box, h('h2', {}, unitName(offered.unit)),
      h('div', { role: 'alert', class: 'big' },
        h('p', { class: 'late' }, state !== 'WITHDRAWN' ? t('{name} has taken it over.', { name: staff(incoming) })
          : reason ? t('{name} has taken the offer back: {reason}', { name: staff(outgoing), reason }) : t('{name} has taken the offer back.', { name: staff(outgoing) })),
        h('p', {}, isMine(latest()) ? t('It is yours.') : t('Nothing of it is yours.'))),
      h('p', {}, h('button', { type: 'button', onclick: () => go.show('unit') }, t('back to {unit}', { unit: unitName(offered.unit) }))), end);
    put(trouble);
    if (!end.hidden) readBack.focus({ preventScroll: true });
    window.scrollTo(0, 0);
    keeping.done();
    go.refresh();
  }

  function on(mark) {
    if (!current()) return;
    if (mark) had.add(current().inmate || '-');
    keeping.soon();
    at += 1;
    draw();
  }

  // The events say it too, but for whoever has just done it they may take too long.
  const learn = () => get(`/v1/handovers/${offered.id}`).then(learnHandover).then(update).catch(() => {});

  function question() {
    const group = current();
    const [note] = group.notes;
    const [need] = group.needs;
    askLine(`ask-${note || need}`, t('Ask {name} about {who}', { name: staff(offered.outgoing), who: name(group) }), async (text, once) => {
      await create(`/v1/handovers/${offered.id}/queries`, note ? { note, text } : { need, text }, once);
      say(t('Asked. The answer comes here.'));
      learn();
    }, { go: t('ask'), most: 1000 });
  }

  async function submit(event) {
    event.preventDefault();
    if (over || sending) return null;
    if (unanswered().length && !anyway.checked) return put(trouble, n('{n} question is open. Wait for the answer, or accept with it open.', '{n} questions are open. Wait for the answers, or accept with them open.', unanswered().length));
    if (!isCount(roll)) {
      roll.focus();
      return put(trouble, notACount());
    }
    if (differs() && !why.value.trim()) {
      whyBox.hidden = false;
      why.focus();
      return put(trouble, t('The roll does not match: {expected} expected, {actual} counted. Count again, or say why.', { expected: offered.roll.expected, actual: roll.value }));
    }
    const body = { with_queries: unanswered().length > 0 };
    if (roll.value.trim()) body.roll_actual = Number(roll.value);
    if (readBack.value.trim()) body.read_back = readBack.value.trim();
    if (differs()) body.roll_mismatch_reason = why.value.trim();
    put(trouble);
    sending = true;
    const me = who();
    try {
      const done = (await create(`/v1/handovers/${offered.id}/acceptance`, body, keyOf(body))).body;
      await keeping.done();
      seen(list.filter((group) => had.has(group.inmate || '-')).flatMap((group) => [...group.notes].filter((note) => !(unshown.get(group) || []).includes(note))), me);
      await refresh();
      if (box.isConnected) took(done);
    } catch (problem) {
      put(trouble, problem.problem ? problem.message : t('The server cannot be reached ({time}). It is not known whether it was accepted: look before you do it again. What you typed stays here.', { time: clock(now()) }));
      sending = false;
      update();
      if (!problem.problem) learn(); // where it was, and only the answer was lost, this screen says so
    }
    return null;
  }

  return {
    update,
    leave: keeping.save,
    keys: () => (over ? [] : current() ? [
      { key: 'y', label: t('I have it'), strong: true, run: () => on(true) }, { key: 'n', label: t('next, later again'), run: () => on(false) },
      { key: 'q', label: t('question'), run: question }, at > 0 && { key: 'b', label: t('back one'), run: () => { at -= 1; draw(); } }, { key: 'e', label: t('to the end'), run: () => { at = list.length; draw(); } },
    ] : [{ key: 'pageup', label: t('back to the items'), run: () => { at = 0; draw(); } }]),
  };
}

// Whose a unit is does not change by an offer that was taken back: whoever accepted it last has it, or who offered it first.
function isMine({ unit, state, outgoing, incoming }) {
  const last = state === 'WITHDRAWN' && desk.sheet && desk.unit === unit && desk.sheet.handover.last;
  const owner = state === 'WITHDRAWN' ? (last ? last.incoming : outgoing) : incoming;
  return owner.username === desk.me.username;
}

// Each author sees that the note reached somebody, where it did, and whom: nobody says it of the next at this screen. Where a receipt does not get through, the handover still has.
async function seen(notes, me) {
  for (const note of notes) if (who() === me) await create(`/v1/notes/${note}/receipts`, { kind: 'SEEN' }).catch(() => {});
}
