// Handing over and taking over. Which of them is asked of me follows from where the unit's handover stands.

import { h, keep, put } from './dom.js';
import { desk, isManager, learnHandover, refresh, unitName, units } from './desk.js';
import { room } from './choices.js';
import { askLine, failed, say } from './keys.js';
import { all, create, get, keyed } from './session.js';
import { n, t } from './words.js';
import { clock, now, time } from './times.js';
import { staff } from './phrases.js';
import { kept } from './forms.js';
import { standing } from './head.js';
import { answer } from './asked.js';
import { takeOver } from './takeover.js';
import { arriving, openNeeds } from './rows.js';
import { groups, isCount, itemCard, notACount, queryCard } from './walk.js';

const OPEN = ['OFFERED', 'OVERDUE', 'ESCALATED'];
const AGAIN_MS = 3000;

export function handover(main, go) {
  let inner = null;
  let shown = '';
  let opening = 0;
  let again = 0;
  let gone = '';
  const box = h('div', {}, h('p', { class: 'quiet' }, t('reading …')));
  const coming = h('div'); // below whichever of them is asked of me
  put(main, box, coming);
  open();
  transfers(coming);

  async function open() {
    const { sheet } = desk;
    if (!sheet) return;
    opening += 1;
    const mineIs = opening;
    const waits = OPEN.includes(sheet.handover.state);
    shown = `${desk.unit} ${sheet.handover.id} ${waits}`;
    try {
      const one = waits ? await get(`/v1/handovers/${sheet.handover.id}`) : null;
      if (one) learnHandover(one);
      if (!box.isConnected || opening !== mineIs) return; // the screen has gone on meanwhile
      if (one && !OPEN.includes(one.state) && gone !== one.id) { // the sheet is from before that
        gone = one.id;
        await refresh();
        return box.isConnected && opening === mineIs && open();
      }
      if (!one) inner = another(sheet) && !isManager() ? theirs(box, go, sheet, () => { inner = offer(box, go, sheet); go.refresh(); }) : offer(box, go, sheet);
      else if (one.outgoing.username === desk.me.username) inner = mine(box, go, one, () => { inner = takeOver(box, go, one, took); go.refresh(); });
      else inner = takeOver(box, go, one, took);
      go.refresh();
    } catch (problem) {
      if (opening !== mineIs) return;
      failed(problem);
      shown = '';
      if (!inner) put(box, h('p', { class: 'late', role: 'status' }, t('The handover cannot be read now. It is read again as soon as the server can be reached.')));
      clearTimeout(again);
      again = setTimeout(() => box.isConnected && !shown && open(), AGAIN_MS);
    }
  }

  async function took(done) {
    const next = await waitingElsewhere();
    put(box, h('p', { class: 'big', role: 'status', id: 'owned' }, t('You own {unit} since {time}.', { unit: unitName(done.unit), time: time(done.accepted_at) })),
      h('p', {}, next ? t('{unit} waits as well, from {name}.', { unit: unitName(next.unit), name: staff(next.outgoing) }) : t('Nothing else waits for you.')));
    inner = { keys: () => [next && { key: 'enter', label: t('take over {unit}', { unit: unitName(next.unit) }), strong: true, run: () => go.unit(next.unit, 'handover') }] };
    go.refresh();
  }

  return {
    update: () => {
      transfers(coming);
      if (desk.sheet && !inner && !shown) open();
      // Somebody offered, took back or accepted while I looked: where nothing of mine is lost by it, the screen follows.
      const { sheet } = desk;
      if (sheet && inner && inner.follows && shown !== `${desk.unit} ${sheet.handover.id} ${OPEN.includes(sheet.handover.state)}`) open();
      else if (inner && inner.update) inner.update();
    },
    leave: () => {
      clearTimeout(again);
      return inner && inner.leave && inner.leave();
    },
    keys: () => [...(inner ? inner.keys().filter(Boolean) : []), { key: 'p', label: t('print'), run: () => go.show('paper') }, { key: 'escape', label: t('back'), run: () => go.show('unit') }],
  };
}

async function waitingElsewhere() {
  const codes = units().map((one) => one.code);
  const lists = await Promise.all(OPEN.map((state) => all(`/v1/handovers?establishment=${desk.place.code}&state=${state}`).catch(() => [])));
  return lists.flat().find((one) => one.kind === 'SHIFT' && codes.includes(one.unit) && one.outgoing.username !== desk.me.username) || null;
}

// Whose the unit is, where that is not I: what another has taken over is not mine to hand over.
const another = ({ handover: { last } }) => (last && last.incoming.username !== desk.me.username ? last : null);

function theirs(box, go, sheet, still) {
  const last = another(sheet);
  put(box, h('h2', {}, unitName(desk.unit)),
    h('p', { class: 'big', role: 'status', id: 'theirs' }, t('{name} has it since {time}.', { name: staff(last.incoming), time: time(last.accepted_at) }), ' ',
      last.outgoing.username === desk.me.username ? t('You are done.') : t('It is not yours to hand over.')));
  return { follows: true, keys: () => [{ key: 'm', label: t('offer it all the same'), run: still }] };
}

function offer(box, go, sheet) {
  const open = openNeeds(sheet);
  const overdue = open.filter((one) => one.due_at && new Date(one.due_at) < now()).length;
  const attending = sheet.people.filter((one) => one.attention !== 'ROUTINE').length;
  const roll = h('input', { id: 'roll', inputmode: 'numeric', 'data-first': true });
  const remarks = h('textarea', { id: 'remarks', rows: 3, spellcheck: 'true' });
  const form = h('form', { class: 'form', onsubmit: submit },
    h('h2', {}, t('Hand over {unit}', { unit: unitName(desk.unit) })),
    another(sheet) && h('p', { class: 'late' }, t('{name} has it since {time}.', { name: staff(another(sheet).incoming), time: time(another(sheet).accepted_at) })),
    h('p', {}, standing(sheet)),
    h('p', {}, [n('{n} person needs attention', '{n} people need attention', attending), n('{n} need open', '{n} needs open', open.length), n('{n} overdue', '{n} overdue', overdue), n('{n} not observed this shift', '{n} not observed this shift', sheet.not_observed.length)].join(' · ')),
    h('label', { for: 'roll' }, t('How many people there must be, by your count (the roster says {n})', { n: sheet.roll.expected })), roll,
    h('label', { for: 'remarks' }, t('What belongs to nobody in particular')), remarks, room(remarks, 1000),
    h('p', { class: 'quiet' }, another(sheet) ? t('What you offer is frozen. Whoever has the unit answers for it until somebody accepts it by name.') : t('What you offer is frozen. The unit stays yours until somebody accepts it by name.')),
    h('div', {}, h('button', { type: 'submit', class: 'strong' }, t('Offer it'))));
  put(box, form);
  const { last } = sheet.handover; // a count is of that time, and none for when the unit has been another's meanwhile
  const keeping = kept(`offer-${desk.unit}-${last ? last.id : ''}`, { roll, remarks });
  roll.focus();
  const keyOf = keyed();

  async function submit(event) {
    event.preventDefault();
    if (!isCount(roll)) {
      roll.focus();
      return say(notACount(), true);
    }
    const body = { establishment: desk.place.code, unit: desk.unit };
    if (roll.value.trim()) body.roll_expected = Number(roll.value);
    if (remarks.value.trim()) body.remarks = remarks.value.trim();
    try {
      const made = (await create('/v1/handovers', body, keyOf(body))).body;
      await keeping.done();
      say(t('Offered. It must be accepted by {time}.', { time: time(made.due_at) }));
      await refresh();
      if (box.isConnected) go.show('handover'); // whoever has gone on meanwhile is not fetched back
    } catch (problem) {
      failed(problem);
    }
    return null;
  }
  return { follows: true, leave: keeping.save, keys: () => [{ key: 'ctrl+enter', label: t('offer it'), strong: true, run: () => form.requestSubmit ? form.requestSubmit() : submit(new Event('submit')) }] };
}

// Each with what comes along: until somebody here accepts it, whoever sent answers for it.
function transfers(coming) {
  const { sheet } = desk;
  keep(coming, (sheet ? arriving(sheet) : []).map((one) => {
    const person = sheet.people.find((other) => other.inmate === one.inmate);
    return { key: one.handover, signature: JSON.stringify([one, person, desk.unsaid.size]), value: one };
  }), transfer);
}

function transfer(one) {
  const comes = h('div', {}, h('p', { class: 'quiet' }, t('reading …')));
  async function read() {
    try {
      const [group] = groups(await get(`/v1/handovers/${one.handover}`));
      put(comes, (await itemCard(group || { inmate: one.inmate, notes: new Set(), needs: new Set() }, read)).card);
    } catch (problem) {
      put(comes, h('p', { class: 'late' }, t('What comes with this person could not be read.'), ' ', h('button', { type: 'button', onclick: read }, t('try again'))));
    }
  }
  async function accept() {
    try {
      await create(`/v1/handovers/${one.handover}/acceptance`, {});
      await refresh();
    } catch (problem) { failed(problem); }
  }
  read();
  return h('section', { class: 'item' }, h('h2', {}, t('{who} is on the way to you from {unit}', { who: one.name, unit: unitName(one.from.unit) })),
    h('p', {}, t('{name} answers for this person until you accept. Since {time}.', { name: staff(one.outgoing), time: time(one.since) })),
    comes, h('button', { type: 'button', onclick: accept }, t('{who} is here: I have this person', { who: one.name })));
}

// What I have offered: questions come here, and answers go from here.
function mine(box, go, one, stay) {
  const questions = h('div');
  put(box, h('h2', {}, t('You offered {unit} at {time}', { unit: unitName(one.unit), time: time(one.offered_at) })),
    h('p', {}, t('It is yours until somebody accepts it, at the latest {time}. Stay within reach of questions.', { time: time(one.due_at) })),
    one.roll.expected !== null && h('p', {}, t('Roll: {n}', { n: one.roll.expected })), one.remarks && h('p', {}, one.remarks), questions);
  let said = '';
  function update() {
    const latest = desk.handovers.get(one.id) || one;
    const asked = JSON.stringify(latest.queries); // the version does not count what only some may read
    if (said === asked) return;
    said = asked;
    put(questions, latest.queries.length ? latest.queries.map((query) => queryCard(query, query.answers.length ? null : h('button', { type: 'button', onclick: () => answer(one.id, query) }, t('answer')))) : h('p', { class: 'quiet' }, t('Nobody has asked anything.')));
  }
  update();

  const waits = () => (desk.handovers.get(one.id) || one).queries.find((query) => !query.answers.length);

  const back = () => askLine(`back-${one.id}`, t('Why do you take it back?'), async (reason, once) => {
    await create(`/v1/handovers/${one.id}/withdrawal`, { reason }, once);
    say(t('Taken back at {time}. What it held goes into the next one.', { time: clock(now()) }));
    refresh().then(() => { if (box.isConnected) go.show('handover'); });
  }, { go: t('take it back') });
  return { follows: true, update, keys: () => [waits() && { key: 'e', label: t('answer'), strong: true, run: () => waits() && answer(one.id, waits()) }, { key: 'b', label: t('take it back'), run: back }, { key: 'm', label: t('I stay on: accept it myself'), run: stay }] };
}

