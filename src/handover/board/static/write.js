// Writing a note: one screen, top to bottom. A digit or Enter chooses and moves on; every step but the basis may be left.

import { beside } from './beside.js';
import * as care from './care.js';
import { choices, moodGrid, picker, room, sentence } from './choices.js';
import { desk, refresh, unitName } from './desk.js';
import { h, put } from './dom.js';
import { bodyOf, claimed, forced, fresh, isEmpty, isLate, isWordy, LATE_REASON, missing, MOST, places } from './draft.js';
import { say } from './keys.js';
import { needs as readNeed, nobody, people, unitOf, withMark } from './matching.js';
import * as outbox from './outbox.js';
import { unique } from './session.js';
import * as vault from './vault.js';
import { codes, entry, label, low, t } from './words.js';
import { clock, now, time, whichDay } from './times.js';

const WAIT_MS = 2500;
const NOT_KEPT = () => t('NOT kept on this PC: its disk takes nothing. It is gone when this page is closed.');

// What becomes of what is typed: it is kept as its author's draft, and sent. The practice unit has ways of its own.
const REAL = {
  holder: vault.holder,
  keep: async (draft, holder) => {
    if (await vault.save('draft', draft.id, now().getTime(), { ...draft }, holder, forced(draft) === 'ACT_NOW')) return { words: t('kept on this PC {time}', { time: clock(now(), true) }) };
    return vault.safe ? { words: NOT_KEPT(), bad: true } : { words: t('kept until this page is closed: this browser cannot lock it away on the disk') };
  },
  drop: (draft) => vault.remove(draft.id),
  drafts,
  hold: vault.hold,
  begin: care.remember,
  people: (typed) => people(typed, true),
  beside,
  instead: null,
};

export function write(main, go, about, given, errors, ways = REAL) {
  const known = about ? desk.cells.get(about) : null;
  // What was kept may be from before a field was there.
  const draft = { ...fresh(known ? { inmate: known.inmate, name: known.name, cell: known.cell, unit: unitOf(about) } : null), ...given };
  draft.open = true;
  const holder = ways.holder();
  const held = ways.hold(draft.id);
  let learned = null;
  let saving = 0;
  let left = false;
  let sent = false;
  let sending = false;
  let lacks = {}; // what was still missing when it was to be sent
  const steps = {};
  const order = [];
  const side = h('aside', { class: 'beside', 'aria-label': t('what is known') });
  const prompt = h('div', { role: 'status' });
  const saved = h('span', { class: 'quiet', id: 'saved' });
  const readers = h('span', { id: 'readers' });
  const waits = h('div');
  const form = h('div', { class: 'form-steps' });
  put(main, h('div', { class: 'write' }, h('div', {}, waits, form), h('div', { class: 'side' }, prompt, side)));

  function step(name, title, part) {
    const wrong = h('p', { class: 'wrong', id: `wrong-${name}` });
    const node = h('div', { class: 'step', 'data-step': name, role: 'group', 'aria-label': title }, h('span', { class: 'label' }, title), part.node, wrong);
    steps[name] = { ...part, wrong, node };
    order.push(name);
    form.append(node);
  }
  const after = (name) => () => (steps[order[order.indexOf(name) + 1]] || steps[name]).focus();

  function touched() {
    if (left) return;
    saving = saving || setTimeout(save, vault.SAVE_MS);
    const still = missing(draft);
    for (const name of Object.keys(lacks)) if (!still[name]) put(steps[name].wrong);
    const all = care.isHarsh(draft) ? [care.whatHelped(draft.name, learned)] : [];
    const same = care.sameWords(draft);
    if (same) all.push(t('You wrote the same words about somebody else at {time}. Say what is true of this person.', { time: time(same.recorded_at) }));
    if (forced(draft) === 'ACT_NOW') all.push(t('ACT NOW: tell somebody aloud as well. A page is no radio.'));
    if (prompt.textContent !== all.join('')) put(prompt, all.map((text) => h('p', { class: 'prompt' }, text)));
    const handling = draft.handling || 'UNIT';
    const anchor = (entry('handling', handling) || {}).anchor || '';
    const text = t('Read by: {who}. {anchor}', { who: handling === 'UNIT' ? staffOf(draft) : label('handling', handling), anchor });
    if (readers.textContent !== text) readers.textContent = text;
    steps.at.show();
  }

  async function save() {
    clearTimeout(saving);
    saving = 0;
    if (sent) return null;
    if (left && isEmpty(draft)) return ways.drop(draft);
    if (isEmpty(draft)) return null;
    const { words, bad } = await ways.keep(draft, holder);
    saved.textContent = words;
    saved.className = bad ? 'late' : 'quiet';
    if (bad && left && document.getElementById('said')) say(`${words} ${t('W goes on with it.')}`, true); // one has gone on to another screen
    return null;
  }

  const typed = (name) => ({ text: draft.typed[name], typed: (value) => { draft.typed = { ...draft.typed, [name]: value }; touched(); }, leaves: true });
  const set = (name) => (value) => { draft[name] = value; touched(); };
  const one = (name, list, title, describe) => choices({ name: title, options: codes(list), value: draft[name], set: set(name), after: after(name), describe });

  const text = (name, title, rows) => sentence({ name, title, rows, most: MOST[name], value: draft[name], set: set(name), after: after(name) });

  // Several of a list, as chips; each may be marked by a digit and taken away again.
  function several(name, title, hint, find, words, marks) {
    const chips = h('div', { class: 'chips' });
    const input = picker({ ...typed(name), label: title, hint, find, pick: (value, gone) => { draft[name].push(value); paint(gone ? null : draft[name].length - 1); touched(); }, skip: after(name), id: `in-${name}` });
    function paint(focused) {
      put(chips, draft[name].map((value, place) => {
        const mark = marks && marks(value, () => { paint(); input.focus(); touched(); });
        if (mark && place === focused) setTimeout(() => mark.focus(), 0);
        return h('span', { class: 'chip' }, words(value), mark && mark.node, h('button', { type: 'button', 'aria-label': t('take away: {what}', { what: words(value) }), onclick: () => { draft[name].splice(place, 1); paint(); touched(); input.focus(); } }, '×'));
      }));
    }
    paint();
    return { node: h('div', {}, input.node, chips), focus: input.focus, settle: input.settle };
  }

  const marked = (list, name) => (value, done) => (value[name] ? null : choices({ name: label(list, ''), options: codes(list), set: (code) => { value[name] = code; }, after: done }));

  function whoStep() {
    const shown = h('strong', { id: 'whom' });
    // A correction is about whom the note is about.
    const input = draft.corrects ? { node: null, focus: () => steps.mood.focus() } : picker({
      ...typed('who'), label: t('whom it is about: cell, number or letters'), hint: t('cell, number or a few letters'), id: 'in-who', unknown: nobody, skip: () => draft.chosen && after('who')(), find: ways.people,
      pick: (person, gone) => { Object.assign(draft, person, { chosen: true }); about_(); touched(); if (!gone) after('who')(); },
    });
    const about_ = async () => {
      const whose = draft.inmate;
      const paint = () => put(shown, draft.chosen ? `${draft.cell || ''} ${draft.name} ${draft.inmate || ''}`.trim() : '');
      paint();
      // Whoever is moved meanwhile is on another unit: another staff reads the note.
      const found = await ways.beside(side, draft, ({ unit, cell, name }) => {
        if (whose !== draft.inmate) return;
        Object.assign(draft, { unit: draft.corrects ? draft.unit : unit, cell: cell || '', name }); // a note stays where it was written
        paint();
        touched();
      });
      if (whose === draft.inmate) learned = found;
      touched();
    };
    about_();
    return { node: h('div', {}, shown, input.node), focus: input.focus, settle: input.settle };
  }

  if (draft.corrects) step('reason', t('why corrected'), text('reason', t('why you correct it; whoever read the note is told'), 1));
  step('who', t('who'), whoStep());
  step('mood', t('mood'), moodGrid({ down: codes('mood_valence'), across: codes('mood_energy'), gone: codes('not_observed'), value: draft.mood, set: set('mood'), after: after('mood') }));
  step('change', t('against usual'), one('change', 'change', t('compared with this person’s usual')));
  step('basis', t('how I know'), one('basis', 'basis', t('how you know')));
  step('fact', t('what happened'), text('fact', t('what happened: facts alone'), 2));
  step('opinion', t('what I make of it'), withSure());
  step('indicators', t('noticed'), several('indicators', t('what you noticed'), t('e.g. withdrawn, new'), withMark('indicators', 'trends', 'trend'), (v) => `${label('indicators', v.code)}${v.trend ? ` (${low('trends', v.trend)})` : ''}`));
  step('needs', t('needs'), several('needs', t('what is needed'), t('e.g. phone! 18:00 call to his daughter   (! promised)'), readNeed, needWords));
  step('responses', t('what I did'), several('responses', t('what you did, and whether it helped'), t('e.g. listened = helped'), withMark('responses', 'effects', 'effect'), (v) => `${label('responses', v.code)}${v.effect ? ` (${low('effects', v.effect)})` : ''}`, marked('effects', 'effect')));
  step('attention', t('attention'), one('attention', 'attention', t('attention for this note'), true));
  step('if_then', t('if it happens'), text('if_then', t('what to do if it happens'), 1));
  step('handling', t('who may read it'), one('handling', 'handling', t('who may read it; the unit, if you choose nothing'), true));
  step('at', draft.corrects ? t('when, if not as written') : t('when, if not now'), more());
  form.append(h('div', { class: 'send' }, h('span', {}, t('written by'), ' ', h('strong', {}, desk.me.name)), readers, saved, steps_('send')));

  function steps_(name) {
    const wrong = h('p', { class: 'late', id: `wrong-${name}` });
    steps[name] = { wrong, focus: () => {} };
    return wrong;
  }

  function withSure() {
    const words = text('opinion', t('what you make of it; shown as your opinion, never as fact'), 1);
    const sure = choices({ name: t('how sure you are'), options: codes('confidence'), value: draft.confidence, set: set('confidence'), after: after('opinion') });
    return { node: h('div', {}, words.node, h('div', { class: 'choices' }, h('span', { class: 'quiet' }, t('opinion; how sure: ')), sure.node)), focus: words.focus };
  }

  function more() {
    const at = h('input', { id: 'in-at', 'aria-label': t('when it happened, if not now'), value: draft.at, placeholder: t('13:20'), size: 6, oninput: (event) => set('at')(event.target.value) });
    const day = h('span', { id: 'at-day', class: 'quiet', role: 'status' });
    const why = h('input', { id: 'in-late_reason', class: 'long', value: draft.late_reason, 'aria-label': t('why it is written only now'), oninput: (event) => set('late_reason')(event.target.value) });
    const late = h('div', { hidden: true }, h('label', { class: 'late' }, t('More than an hour ago. Why is it written only now? It may be left empty.'), ' ', why), room(why, LATE_REASON));
    const show = () => {
      const said = claimed(draft) ? whichDay(claimed(draft)) : '';
      if (day.textContent !== said) day.textContent = said;
      late.hidden = !isLate(draft);
    };
    const tick = (name, words) => h('label', {}, h('input', { type: 'checkbox', checked: draft[name], onchange: (event) => set(name)(event.target.checked) }), ' ', words);
    const place = h('select', { 'aria-label': t('where'), onchange: (event) => set('place')(event.target.value || null) }, h('option', { value: '' }, t('where?')), codes('place').map((entry_) => h('option', { value: entry_.code, selected: draft.place === entry_.code }, entry_.label)));
    return { node: h('div', { class: 'choices' }, at, day, late, place, tick('opening', t('he or she opened up')), tick('about_incident', t('about the incident')), selfReported()), focus: () => (isWordy(draft) ? why : at).focus(), show };
  }

  function selfReported() {
    return h('label', {}, h('input', { type: 'checkbox', checked: draft.source === 'SELF_REPORTED', onchange: (event) => set('source')(event.target.checked ? 'SELF_REPORTED' : null) }), ' ', t('mood by own account'));
  }

  function wrongs(found) {
    for (const [name, part] of Object.entries(steps)) put(part.wrong, found[name] || found[name === 'at' ? 'more' : ''] || '');
    const first = [...order, 'send'].find((name) => found[name]);
    if (first) {
      steps[first].focus();
      steps[first].wrong.scrollIntoView({ block: 'center' });
    }
    return Boolean(first);
  }

  // What was typed and not entered is part of the note; the first step of which it is not clear what is meant by it.
  async function unclear() {
    for (const name of order) if (steps[name].settle && !(await steps[name].settle())) return name;
    return null;
  }

  async function send() {
    if (left || sending) return;
    sending = true;
    const unsure = await unclear().finally(() => { sending = false; });
    if (left) return; // locked meanwhile
    if (unsure) {
      steps[unsure].focus();
      steps[unsure].node.scrollIntoView({ block: 'center' });
    }
    if (unsure || wrongs(lacks = missing(draft))) return;
    if (ways.instead) {
      ways.instead(draft);
      return;
    }
    left = sent = true;
    clearTimeout(saving);
    saving = 0;
    const body = bodyOf({ ...draft, attention: forced(draft) });
    const { id, kept } = await outbox.keep(draft.corrects ? { reason: draft.reason.trim(), note: body } : body, { ...draft, open: false }).catch((problem) => {
      left = sent = false;
      wrongs({ send: t('It could not be sent; nothing is lost. Try once more. Urgent? Use the radio.') });
      throw problem;
    });
    const came = outcome(id); // the server may be quicker than the disk
    await ways.drop(draft).catch(() => {});
    const problem = await came;
    if (problem && problem.refused) {
      left = sent = false;
      draft.key = unique();
      await save();
      await outbox.drop(id);
      wrongs(places(problem.refused));
      return;
    }
    if (!main.isConnected) return; // locked meanwhile
    if (problem) care.wrote(problem);
    const words = problem ? recorded(problem, draft)
      : !kept && vault.safe ? t('NOT SENT, and this PC cannot keep it: leave this page open until it has gone. Urgent? Use the radio.')
      : body.attention === 'ACT_NOW' ? t('NOT SENT, and it is urgent: use the RADIO. It is kept here and goes by itself.') : t('Kept here, not sent yet. It goes by itself. Do not write it again.');
    say(words, !problem);
    if (!problem) waiting = { id, words, draft };
    refresh();
    if (draft.corrects && draft.inmate) go.show('person', draft.inmate);
    else go.show('unit');
  }

  // Sent, refused, or neither for now.
  function outcome(id) {
    return new Promise((resolve) => {
      pending.set(id, resolve);
      setTimeout(() => resolve(null), WAIT_MS);
    }).finally(() => pending.delete(id));
  }

  async function begun() {
    const others = (await ways.drafts()).filter((kept) => kept.id !== draft.id && !isEmpty(kept.data));
    put(waits, others.map((kept) => h('p', {}, h('button', { type: 'button', onclick: () => goOn(kept) }, t('go on with: {who}, {time}', { who: named(kept.data) || t('nobody yet'), time: time(new Date(kept.at).toISOString()) })), ' ',
      h('button', { type: 'button', onclick: () => throwAway(kept) }, t('throw away')))));
    return others;
  }

  // Whoever begins anew about somebody goes on with what was begun about him or her.
  async function goOnAbout() {
    const others = await begun();
    const same = !given && draft.inmate && others.find((kept) => kept.data.inmate === draft.inmate);
    if (same && isEmpty(draft) && !left) await goOn(same, () => isEmpty(draft));
  }

  // Whoever goes on with a draft goes on with it as it is now: another window may have it, or be done with it.
  async function goOn(kept, still = () => true) {
    const taken = await takeUp(kept.id, ways);
    if (!left && !taken.draft) say(taken.free ? t('It was sent or thrown away in another window.') : t('It is open in another window: go on with it there.'), true);
    if (!left && taken.draft && still()) go.show('write', null, taken.draft);
    else if (!left) begun();
    if (taken.free) taken.free();
  }

  async function throwAway(kept) {
    const free = await ways.hold(kept.id);
    if (!free) return say(t('It is open in another window: go on with it there.'), true);
    await ways.drop(kept);
    free();
    return begun();
  }

  held.then((free) => {
    if (free || left) return;
    left = sent = true; // what stands in another window is the newer
    say(t('It is open in another window: go on with it there.'), true);
    go.show('unit');
  });
  goOnAbout().catch(() => {});
  ways.begin();
  touched();
  if (errors) wrongs(places(errors));
  else (steps.reason || (draft.chosen ? steps.mood : steps.who)).focus();
  return {
    again: () => [null, draft],
    keep: () => (saving ? save() : null),
    urgent: () => !ways.instead && !sent && forced(draft) === 'ACT_NOW',
    leave: async () => {
      left = true;
      await save();
      const free = await held;
      if (free) free();
    },
    send,
    keys: () => [
      { key: 'ctrl+enter', label: t('send'), strong: true, does: 'send', run: send },
      { key: 'escape', label: t('back; it is kept'), run: () => { draft.open = false; go.show('unit'); } },
    ],
  };
}

const staffOf = ({ inmate, unit, corrects }) => {
  if (inmate && (unit || !corrects)) return unit ? unitName(unit) : t('the staff of the unit this person is on');
  return desk.unit && !inmate ? unitName(desk.unit) : label('handling', 'UNIT');
};
const needWords = (one) => [label('needs', one.code), one.promised && t('promised'), one.due_at && time(one.due_at), one.detail].filter(Boolean).join(', ');
const named = (draft) => `${draft.cell || ''} ${draft.name}`.trim();
const recorded = (note, draft) => (draft.corrects ? t('Corrected {time}: {who}', { time: time(note.recorded_at), who: named(draft) }) : t('Recorded {time}: {who}', { time: time(note.recorded_at), who: named(draft) }));
const pending = new Map();
let waiting = null; // the last of which it was said that it is not sent yet: {id, words, draft}
outbox.on('sent', (note, id) => {
  if (pending.has(id)) pending.get(id)(note);
  else if (waiting && waiting.id === id) {
    const box = document.getElementById('said');
    if (box && box.textContent === waiting.words) say(recorded(note, waiting.draft));
    waiting = null;
  }
});
outbox.on('waiting', () => { for (const resolve of pending.values()) resolve(null); });
outbox.on('refused', (item) => { if (pending.has(item.id)) pending.get(item.id)(item); });

// What was begun. What is on its way already is no draft any more, also where the page was gone before that was kept.
async function drafts() {
  const all = await vault.load('draft');
  const gone = all.filter((kept) => outbox.has(kept.data.key));
  await Promise.all(gone.map((kept) => vault.remove(kept.id)));
  return all.filter((kept) => !gone.includes(kept));
}

// A draft for this window: as it stands on the disk now, and how to let it go.
async function takeUp(id, ways) {
  const free = await ways.hold(id);
  const found = free && (await ways.drafts().catch(() => [])).find((kept) => kept.id === id);
  return { free, draft: found ? found.data : null };
}

// What was open when this PC was locked or the page was gone, where no other window has it.
export async function wasOpen() {
  for (const kept of (await drafts()).reverse()) {
    const taken = kept.data.open ? await takeUp(kept.id, REAL) : {};
    if (taken.draft) return taken;
    if (taken.free) taken.free();
  }
  return null;
}

// What the server refused later, when nobody was looking: it becomes a draft again, with what was wrong.
export async function refusedLater(item, tell) {
  if (pending.has(item.id)) return;
  const holder = vault.holder();
  if ((await vault.load('outbox')).some((one) => one.id === item.id)) await vault.save('draft', item.data.draft.id, Date.now(), { ...item.data.draft, key: unique() }, holder); // else another window has
  await outbox.drop(item.id);
  tell(t('A note about {who} was refused: {why} It is among your drafts: W.', { who: named(item.data.draft), why: item.refused.detail || '' }));
}
