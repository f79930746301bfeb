// One note as it is being written, and what becomes of it.

import { letters } from './choices.js';
import { unique } from './session.js';
import { desk } from './desk.js';
import { isKnown } from './outbox.js';
import { entry, t } from './words.js';
import { clock, last, lastTwo, now } from './times.js';

export const fresh = (who) => ({
  id: unique(), key: unique(), inmate: null, name: '', cell: '', unit: null, chosen: false, mood: {}, source: null, change: null, basis: null, fact: '', opinion: '', confidence: null,
  indicators: [], needs: [], responses: [], attention: null, if_then: '', handling: null, at: '', late_reason: '', place: null, opening: false, about_incident: false, open: true,
  typed: {}, // by step, what stands where it has not been taken yet
  ...(who ? { inmate: who.inmate, name: who.name, cell: who.cell, unit: who.unit || null, chosen: true } : {}),
});

const LATE_MS = 60 * 60e3;
const SAYS = ['change', 'basis', 'fact', 'opinion', 'attention', 'if_then', 'handling', 'at', 'place', 'opening', 'about_incident'];
const TYPED = ['indicators', 'needs', 'responses']; // whom it is about is looked up again as quickly
const hasMood = (draft) => Object.keys(draft.mood).length > 0;

// Whether there is anything that would be a pity to lose.
export const isEmpty = (draft) => !SAYS.some((name) => draft[name]) && !hasMood(draft) && !draft.indicators.length && !draft.needs.length && !draft.responses.length
  && !TYPED.some((name) => ((draft.typed || {})[name] || '').trim());

// How many letters the server takes.
export const MOST = { reason: 500, fact: 1000, opinion: 500, if_then: 200 };
export const LATE_REASON = 500;

// What is missing, by step, before anything is sent.
export function missing(draft) {
  const found = {};
  if (draft.corrects && !draft.reason.trim()) found.reason = t('Say why you correct it.');
  if (!draft.chosen) found.who = t('Whom is it about? A cell, a number or a few letters; the unit itself, if nobody in particular.');
  if (!draft.basis) found.basis = t('How do you know? A note without that is worth little to the next shift.');
  if (!hasMood(draft) && !draft.change && !draft.fact.trim() && !draft.indicators.length && !draft.needs.length && !draft.responses.length) found.fact = t('Say something: what happened, how the person is, what is needed or what you did.');
  for (const [name, most] of Object.entries(MOST)) if (letters(draft[name] || '').length > most) found[name] = t('It is too long to be sent.');
  if (isWordy(draft)) found.at = t('It is too long to be sent.');
  if (draft.at && !last(draft.at)) found.at = t('Write a time like 13:20.');
  const two = draft.at && !draft.corrects && lastTwo(draft.at);
  if (two) found.at = t('Twice that night: {first} or {second}?', { first: two[0], second: two[1] });
  return found;
}

export const forced = (draft) => (draft.indicators.some((one) => (entry('indicators', one.code) || {}).forces === 'ACT_NOW') ? 'ACT_NOW' : draft.attention);

// When it is said to have happened; null where nothing is said of it.
export function claimed(draft) {
  const at = draft.at ? last(draft.at) : null;
  return at && draft.corrects ? near(draft.at, new Date(draft.was)) : at;
}

// So long ago that the shift which had to know of it asks why it was not written then.
export const isLate = (draft) => !draft.corrects && now() - (claimed(draft) || now()) > LATE_MS;

// Why it is late is said in more letters than are taken.
export const isWordy = (draft) => isLate(draft) && letters(draft.late_reason).length > LATE_REASON;

export function bodyOf(draft) {
  const body = { basis: draft.basis, captured_at: now().toISOString() };
  // A correction leaves the note where it is, and when, unless it says another time. What is not chosen any more is said.
  if (draft.corrects) Object.assign(body, { attention: 'ROUTINE', handling: 'UNIT' });
  if (!draft.corrects || draft.at) body.occurred_at = (claimed(draft) || now()).toISOString();
  if (isLate(draft) && draft.late_reason.trim()) body.late_reason = draft.late_reason.trim();
  if (!draft.corrects && draft.inmate) body.inmate = draft.inmate;
  else if (!draft.corrects) Object.assign(body, { establishment: desk.place.code, unit: desk.unit });
  if (hasMood(draft)) body.mood = draft.mood.not_observed ? draft.mood : { ...draft.mood, ...(draft.source ? { source: draft.source } : {}) };
  for (const name of ['change', 'attention', 'handling', 'place']) if (draft[name]) body[name] = draft[name];
  for (const name of ['fact', 'opinion', 'if_then']) if (draft[name].trim()) body[name] = draft[name].trim();
  if (body.opinion && draft.confidence) body.confidence = draft.confidence;
  for (const name of ['opening', 'about_incident']) if (draft[name]) body[name] = true;
  const clean = (one) => Object.fromEntries(Object.entries(one).filter(([, value]) => value !== null && value !== false));
  for (const name of ['indicators', 'needs', 'responses']) if (draft[name].length) body[name] = draft[name].map(clean);
  return body;
}

// The time of day that is meant by it, on the day it was about, also across a night in which the clocks change.
function near(text, was) {
  const at = last(text);
  const days = Math.round((at - was) / 864e5);
  const found = [0, 1, -1].map((hours) => new Date(at - days * 864e5 + hours * 36e5));
  return found.find((one) => clock(one) === clock(at)) || found[0];
}

// Where on the form the server's pointers point.
const STEPS = { inmate: 'who', establishment: 'who', unit: 'who', occurred_at: 'at', captured_at: 'at', confidence: 'opinion', late_reason: 'at', about_incident: 'more', place: 'more', opening: 'more', attention_until: 'attention' };
export function places(problem) {
  const found = {};
  if (isKnown(problem)) return { send: t('This note was sent before, from another window of this browser. What stands here was not sent; if it says anything new, sending it once more makes a second note of it.') };
  for (const one of problem.errors || []) {
    const field = one.pointer.replace(/^\/note\//, '/').split('/')[1];
    const step = STEPS[field] || field || 'fact';
    found[step] = found[step] ? `${found[step]}; ${one.detail}` : one.detail;
  }
  if (!Object.keys(found).length) found.send = problem.detail || t('The server refused it.');
  return found;
}
