// A note, a need, an event in an officer's words: short pieces, the same wherever they are shown.

import { label, low, n, t } from './words.js';
import { time } from './times.js';

const KNOWS = {
  SAW: () => t('saw'),
  HEARD: () => t('heard'),
  TOLD_BY_PERSON: () => t('was told by the person'),
  TOLD_BY_PRISONER: () => t('was told by another prisoner'),
  TOLD_BY_STAFF: () => t('was told by staff'),
  TOLD_BY_FAMILY: () => t('was told by family or friends'),
  TOLD_BY_OUTSIDE: () => t('was told by someone outside'),
  FROM_RECORD: () => t('read in a record'),
  INFERRED: () => t('worked out (nobody saw or said it)'),
};
const CHANGES = {
  MUCH_WORSE: () => t('much worse than usual'),
  WORSE: () => t('worse than usual'),
  USUAL: () => t('as usual'),
  BETTER: () => t('better than usual'),
  MUCH_BETTER: () => t('much better than usual'),
  DONT_KNOW_PERSON: () => t('the author does not know the person'),
};
export const SHAPES = { MUCH_WORSE: '↓↓', WORSE: '↓', USUAL: '=', BETTER: '↑', MUCH_BETTER: '↑↑', DONT_KNOW_PERSON: '?' };

export const staff = (by) => (by ? by.name || by.username : t('somebody'));
export const knows = (basis) => (KNOWS[basis] ? KNOWS[basis]() : low('basis', basis));
export const change = (code) => (CHANGES[code] ? CHANGES[code]() : low('change', code));

export function mood(one) {
  if (!one) return '';
  if (one.not_observed) return low('not_observed', one.not_observed);
  const said = [];
  if (one.valence !== null) said.push(t('mood {word}', { word: low('mood_valence', one.valence) }));
  if (one.energy !== null) said.push(t('energy {word}', { word: low('mood_energy', one.energy) }));
  if (!said.length) return '';
  const words = said.join(', ');
  return one.source === 'SELF_REPORTED' ? t('{mood} by own account', { mood: words }) : words;
}

// How the person is: mood, change, what was noticed, where.
export function state(note) {
  const found = [mood(note.mood), note.change && change(note.change)];
  for (const one of note.indicators) {
    found.push(low('indicators', one.code) + (one.trend ? ` (${low('trends', one.trend)})` : ''));
  }
  if (note.opening) found.push(t('opened up'));
  if (note.incident) found.push(note.incident === note.id ? t('opens an incident') : t('about the incident'));
  if (note.place) found.push(t('at: {place}', { place: low('place', note.place) }));
  return found.filter(Boolean).join('; ');
}

export const gist = (note) => note.fact || state(note) || note.needs.map(need).join('; ') || t('what staff did');

// "L. Hartmann saw, 13:22"
export function source(note) {
  return `${whoKnows(note)}, ${time(note.occurred_at)}`;
}

export const whoKnows = (note) => t('{name} {knows}', { name: staff(note.author), knows: note.basis ? knows(note.basis) : '' });

export function late(note) {
  if (!note.late) return '';
  const reason = note.late_reason || t('no reason given');
  return t('late entry: happened {at}, written {written} ({reason})', {
    at: time(note.occurred_at), written: time(note.recorded_at), reason,
  });
}

export function opinion(note) {
  if (!note.opinion) return '';
  const sure = note.confidence ? ` (${low('confidence', note.confidence)})` : '';
  return t('{name} thinks{sure}: {words}', { name: staff(note.author), sure, words: note.opinion });
}

export function attention(thing) {
  const words = { ACT_NOW: t('ACT NOW'), WATCH: t('WATCH') }[thing.attention];
  if (!words) return '';
  return thing.attention_until ? t('{what} until {time}', { what: words, time: time(thing.attention_until) }) : words;
}

export function need(one) {
  const said = [one.code ? low('needs', one.code) : t('a need')];
  if (one.promised) said.push(t('promised'));
  if (one.due_at) said.push(t('due {time}', { time: time(one.due_at) }));
  else if (one.urgency && one.urgency !== 'ROUTINE') said.push(one.urgency === 'NOW' ? t('NOW') : low('urgency', one.urgency));
  return said.join(', ') + (one.detail ? `: ${one.detail}` : '');
}

export const did = (one) => low('responses', one.code) + (one.effect ? ` (${low('effects', one.effect)})` : '');
export const shiftName = (key) => label('shift', key.slice(key.lastIndexOf('/') + 1));

const RULES = {
  RAN_OUT: () => t('attention ran out: renew or close?'),
  NEED_OVERDUE: () => t('a need is overdue'),
  PROMISED: () => t('something was promised'),
  NEED: () => t('a need is open'),
  WORSE_TWICE: () => t('worse in two of the last three shifts: have a look'),
  WORSE: () => t('worse than usual in one of the last three shifts'),
  NOTED: () => t('written about in the last three shifts'),
};

// What presses about somebody beside the attention that runs: one of several that has run out asks for nothing.
export const pressing = (person) => ['RAN_OUT', 'WORSE_TWICE'].filter((rule) => person.reasons.some((one) => one.rule === rule))
  .filter((rule) => rule !== 'RAN_OUT' || person.attention === 'ROUTINE').map((rule) => RULES[rule]());

export const STATES = {
  DRAFT: () => t('nobody has offered it yet'),
  OFFERED: () => t('not accepted'),
  OVERDUE: () => t('not accepted, OVERDUE'),
  ESCALATED: () => t('not accepted, with the duty manager'),
  ACCEPTED: () => t('accepted'),
  ACCEPTED_WITH_QUERIES: () => t('accepted, with questions open'),
  WITHDRAWN: () => t('taken back'),
};

const PAGES = {
  ACT_NOW: () => t('ACT NOW'),
  HANDOVER: () => t('the handover is not accepted'),
  UNOFFERED: () => t('nobody has offered it yet'),
};
// What a page calls for, of `who`: a person, or a unit. A service that is newer than this page may have other kinds.
export const calling = ({ kind }, who) => (kind === 'TRANSFER' ? t('{who} has moved, not accepted', { who }) : `${who}: ${PAGES[kind] ? PAGES[kind]() : kind}`);

export const takenBack = ({ retraction: why }) => (why ? t('A note was taken back by {name}: {reason}', { name: staff(why.by), reason: label('retraction_reason', why.reason) }) : t('(taken back)'));

// What an event says to whoever looks away from the screen now and then; null where it says nothing by itself.
export function news(event, whom) {
  const { type, data } = event;
  const by = staff(data.author || data.by || (data.history && data.history.length && data.history[data.history.length - 1].by));
  const made = NEWS[type];
  return made && Object.keys(data).length > 2 ? made(data, whom(data.inmate, event.unit), by) : null;
}

const NEWS = {
  'note.recorded': (note, whom, by) => [whom, `${note.attention === 'ROUTINE' ? '' : `${attention(note)}: `}${gist(note)}`, `${by} ${knows(note.basis)}${note.late ? `, ${t('late entry for {time}', { time: time(note.occurred_at) })}` : ''}`],
  'note.corrected': (note, whom, by) => (note.status === 'ACTIVE' ? [whom, t('corrected: {words}', { words: gist(note) }), `${by}: ${note.correction_reason || ''}`] : [whom, t('was corrected; the note that takes its place says why'), '']),
  'note.retracted': (note, whom) => [whom, takenBack(note), ''],
  'note.attention_ended': (note, whom) => [whom, t('attention ran out: renew or close?'), ''],
  'need.updated': (one, whom) => [whom, `${one.code ? low('needs', one.code) : t('a need')}: ${label('need_status', one.status)}${one.outcome ? `, “${one.outcome}”` : one.reason ? `, “${one.reason}”` : ''}`, one.owner || ''],
  'need.overdue': (one, whom) => [whom, t('past its time: {need}', { need: need(one) }), ''],
  'page.accepted': (page, whom) => [whom, t('{name} sees to it', { name: staff(page.accepted_by) }), ''],
  'handover.offered': (one, whom) => [whom, t('{name} offers the handover', { name: staff(one.outgoing) }), ''],
  'handover.accepted': (one, whom) => [whom, t('{name} has taken over', { name: staff(one.incoming) }), ''],
  'handover.queried': (one, whom) => [whom, ...last(one.queries, t('a question about the handover'))],
  'handover.answered': (one, whom) => [whom, ...last(one.queries.reduce((all, query) => all.concat(query.answers), []), t('an answer about the handover'))],
  'handover.withdrawn': (one, whom) => [whom, t('the offer was taken back: {reason}', { reason: one.withdrawal ? one.withdrawal.reason : '' }), staff(one.outgoing)],
  'handover.overdue': (one, whom) => [whom, t('the handover is OVERDUE: nobody has accepted it'), ''],
  'handover.escalated': (one, whom) => [whom, t('the handover is with the duty manager: nobody has accepted it'), ''],
  'inmate.moved': (one, whom) => [one.name || whom, one.unit ? t('moved to unit {unit} {cell}', { unit: one.unit, cell: one.cell || '' }) : t('moved'), ''],
};

// The newest that was said in it: what, and who says it.
function last(list, what) {
  const [newest] = [...list].sort((a, b) => (a.at < b.at ? 1 : -1));
  return newest ? [`“${newest.text || ''}”`, `${staff(newest.by)}: ${what}`] : ['', what];
}
export const times = (count) => n('{n} note', '{n} notes', count);
