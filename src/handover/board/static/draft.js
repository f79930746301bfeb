// One note as it is being written, and what becomes of it.

import { unique } from './session.js';
import { desk } from './desk.js';
import { entry, t } from './words.js';
import { last, now } from './times.js';

export const fresh = (who) => ({
  id: unique(), inmate: null, name: '', cell: '', chosen: false, mood: {}, source: null, change: null, basis: null, fact: '', opinion: '', confidence: null,
  indicators: [], needs: [], responses: [], attention: null, if_then: '', handling: null, at: '', place: null, opening: false, about_incident: false, open: true,
  ...(who ? { inmate: who.inmate, name: who.name, cell: who.cell, chosen: true } : {}),
});

const SAYS = ['change', 'basis', 'fact', 'opinion', 'attention', 'if_then', 'handling', 'at', 'place', 'opening', 'about_incident'];
const hasMood = (draft) => Object.keys(draft.mood).length > 0;

// Whether there is anything that would be a pity to lose.
export const isEmpty = (draft) => !SAYS.some((name) => draft[name]) && !hasMood(draft) && !draft.indicators.length && !draft.needs.length && !draft.responses.length;

// What is missing, by step, before anything is sent.
export function missing(draft) {
  const found = {};
  if (!draft.chosen) found.who = t('Whom is it about? A cell, a number or a few letters; the unit itself, if nobody in particular.');
  if (!draft.basis) found.basis = t('How do you know? A note without that is worth little to the next shift.');
  if (!hasMood(draft) && !draft.change && !draft.fact.trim() && !draft.indicators.length && !draft.needs.length && !draft.responses.length) found.fact = t('Say something: what happened, how the person is, what is needed or what you did.');
  if (draft.at && !last(draft.at)) found.at = t('Write a time like 13:20.');
  return found;
}

export const forced = (draft) => (draft.indicators.some((one) => (entry('indicators', one.code) || {}).forces === 'ACT_NOW') ? 'ACT_NOW' : draft.attention);

export function bodyOf(draft) {
  const at = draft.at ? last(draft.at) : now();
  const body = { basis: draft.basis, occurred_at: at.toISOString(), captured_at: new Date().toISOString() };
  if (draft.inmate) body.inmate = draft.inmate;
  else Object.assign(body, { establishment: desk.place.code, unit: desk.unit });
  if (hasMood(draft)) body.mood = draft.mood.not_observed ? draft.mood : { ...draft.mood, ...(draft.source ? { source: draft.source } : {}) };
  for (const name of ['change', 'attention', 'handling', 'place']) if (draft[name]) body[name] = draft[name];
  for (const name of ['fact', 'opinion', 'if_then']) if (draft[name].trim()) body[name] = draft[name].trim();
  if (body.opinion && draft.confidence) body.confidence = draft.confidence;
  for (const name of ['opening', 'about_incident']) if (draft[name]) body[name] = true;
  const clean = (one) => Object.fromEntries(Object.entries(one).filter(([, value]) => value !== null && value !== false));
  for (const name of ['indicators', 'needs', 'responses']) if (draft[name].length) body[name] = draft[name].map(clean);
  return body;
}

// Where on the form the server's pointers point.
const STEPS = { inmate: 'who', establishment: 'who', unit: 'who', occurred_at: 'at', captured_at: 'at', confidence: 'opinion', about_incident: 'more', place: 'more', opening: 'more', attention_until: 'attention' };
export function places(problem) {
  const found = {};
  for (const one of problem.errors || []) {
    const field = one.pointer.split('/')[1];
    const step = STEPS[field] || field || 'fact';
    found[step] = found[step] ? `${found[step]}; ${one.detail}` : one.detail;
  }
  if (!Object.keys(found).length) found.send = problem.detail || t('The server refused it.');
  return found;
}
