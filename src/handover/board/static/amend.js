// What becomes of a note afterwards: its attention goes on or is over, its author corrects it or takes it back. Each wants
// a reason, and acts on the line one stands on. Who may is the server's to say; what it would refuse is not offered.

import { desk, isManager, unitName, whom } from './desk.js';
import { askLine, failed, here, say, Unclear } from './keys.js';
import { create, get, unique } from './session.js';
import { codes, t } from './words.js';
import { clock, next, time } from './times.js';
import { gist } from './phrases.js';

// `done` reads again whatever the screen shows.
export const amendKeys = (go, done) => (go.may('notes:write') && go.has('handover') ? [
  { key: 'c', label: t('close attention'), on: attended, run: () => attend(true, go, done) },
  { key: 'n', label: t('renew attention'), on: attended, run: () => attend(false, go, done) },
  { key: 'e', label: t('correct a note'), on: changeable, run: () => correct(go) },
  { key: 'b', label: t('take a note back'), on: changeable, run: () => takeBack(done) },
] : []);

// What a line is made of on which attention can be renewed or closed: that of one note, which is said when it is asked. Of
// several, the person's page tells which is meant.
export const attending = (notes) => (notes.length === 1 ? { 'data-note': notes[0].id, 'data-matter': `${whom(notes[0].inmate, notes[0].unit)}: ${gist(notes[0])}` } : { 'data-several': notes.length > 1 });
const attended = (line) => line.note || line.several !== undefined; // of several, it leads to where they are told apart
const changeable = (line) => line.written && (line.by === desk.me.username || isManager());

function attend(close, go, done) {
  const { note, matter, several, inmate } = here() ? here().dataset : {};
  if (several !== undefined) {
    go.show('person', inmate);
    return say(t('Go to a note with the arrows first; a person’s notes are on his or her page.'));
  }
  if (!note) return say(t('Go to somebody whose attention runs with the arrows first.'));
  const about = { note, words: matter };
  async function send(text, once) {
    const timed = /^(\d{1,2}[:.]\d\d)\s+(.+)$/.exec(text);
    const until = timed && !close ? next(timed[1]) : null;
    // A time that the clock does not know is no reason; what was typed stays to be put right.
    if (timed && !close && !until) throw new Unclear(t('{time} is not a time of day. Write it as 21:00, or leave it out.', { time: timed[1] }));
    const body = close ? { close: true, reason: text } : until ? { until: until.toISOString(), reason: timed[2] } : { reason: text };
    const answer = await create(`/v1/notes/${note}/attention`, body, once);
    say(close ? t('Attention is closed.') : t('Attention goes on until {time}.', { time: time(answer.body.attention_until) }));
    done();
  }
  return close
    ? askLine(`over-${note}`, t('It is over, because …'), send, { about, go: t('close it') })
    : askLine(`on-${note}`, t('It goes on, because …'), send, { about, go: t('renew it'), hint: t('Until the end of the next shift. Another time goes in front: 21:00 still does not eat') });
}

// The note one stands on; null where it is not for this officer to change.
function mine() {
  const row = here();
  if (!row || !row.dataset.written) say(t('Go to a note with the arrows first; a person’s notes are on his or her page.'));
  else if (!changeable(row.dataset)) say(t('Only its author, a supervisor or the governor may change a note.'));
  else return row.dataset.written;
  return null;
}

async function correct(go) {
  const id = mine();
  if (!id) return;
  try {
    go.show('write', null, ofNote(await get(`/v1/notes/${id}`)));
  } catch (problem) {
    failed(problem);
  }
}

function takeBack(done) {
  const id = mine();
  if (!id) return null;
  return askLine(`unsay-${id}`, t('Why do you take it back? What it says is then gone from every screen.'), async (why, once) => {
    await create(`/v1/notes/${id}/retractions`, why.text ? { reason: why.code, detail: why.text } : { reason: why.code }, once);
    say(t('Taken back at {time}.', { time: clock(new Date()) }));
    done();
  }, { among: codes('retraction_reason'), hint: t('in your own words, if there is more to say; for the auditor alone'), go: t('take it back') });
}

// A note as a draft of its correction: all it said, to be put right.
function ofNote(note) {
  const known = desk.cells.get(note.inmate);
  const mood = note.mood || {};
  const felt = mood.not_observed ? { not_observed: mood.not_observed } : mood.valence === undefined || mood.valence === null ? {} : { valence: mood.valence, energy: mood.energy };
  return {
    id: unique(), corrects: note.id, was: note.occurred_at, reason: '', chosen: true, open: true, inmate: note.inmate, unit: note.unit, cell: known ? known.cell : '',
    name: known ? known.name : note.inmate || unitName(note.unit), mood: felt, source: mood.source === 'SELF_REPORTED' ? mood.source : null, at: '',
    fact: note.fact || '', opinion: note.opinion || '', if_then: note.if_then || '', about_incident: note.incident !== null,
    ...Object.fromEntries(['change', 'basis', 'confidence', 'attention', 'handling', 'place', 'opening'].map((name) => [name, note[name]])),
    indicators: note.indicators, responses: note.responses, needs: note.needs.map(({ id, ...one }) => one),
  };
}
