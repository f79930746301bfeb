// What is pointed out quietly while a note is being written. It never stands in the way, and judges nobody.

import { desk } from './desk.js';
import { plain } from './matching.js';
import { get } from './session.js';
import { t } from './words.js';
import { time } from './times.js';
import { did } from './phrases.js';

// Beginnings of words that tell of anger more than of what happened. English; other languages bring their own list.
const harsh = () => t('abusive aggressi arrogan attitud awkward childish crazy devious difficult disgust disruptiv hostile idiot kicked-off kicking-off lazy liar lying manipulat mouthy nasty nuisance obnoxious pathetic petulant play-up playing-up rude scum sly stupid threaten troublemaker violent vile whing').split(' ');
const CONDUCT = new Set(['IRRITABLE', 'SHOUTING', 'THREAT_VERBAL', 'THREAT_PHYSICAL', 'DAMAGE', 'REFUSES_DIRECTION', 'PRESSURE_ON_OTHERS']);
const HARD = new Set(['WARNING', 'REPORT', 'ALARM', 'FORCE', 'SEPARATED']);

export function isHarsh(draft) {
  const words = `${draft.fact} ${draft.opinion}`.toLowerCase().replace(/\s+/g, '-').split(/[^\p{L}-]+/u).join('-');
  return harsh().some((stem) => `-${words}`.includes(`-${stem}`)) || draft.indicators.some((one) => CONDUCT.has(one.code)) || draft.responses.some((one) => HARD.has(one.code));
}

export function whatHelped(name, learned) {
  if (!learned) return '';
  const [best] = learned.worked;
  const words = best && (best.fact ? `${did(best)}: ${best.fact}` : did(best));
  return best
    ? t('What helped with {name} last time: {words} ({by}, {time}).', { name, words, by: best.by, time: time(best.at) })
    : t('Nothing is written yet about what helps with {name}. If something does, the next shift will want to know.', { name });
}

let mine = [];
export async function remember() {
  const from = new Date(Date.now() - 14 * 3600e3).toISOString();
  const query = new URLSearchParams({ establishment: desk.place.code, author: desk.me.username, recorded_from: from, limit: 100 });
  const { me } = desk;
  const answer = await get(`/v1/notes?${query}`).catch(() => null);
  if (answer && desk.me === me) mine = answer.items; // else somebody else is here by now
}

export const wrote = (note) => mine.unshift(note);
export const forget = () => { mine = []; };

// Somebody else about whom I wrote the same words today: care that is copied is not care.
export function sameWords(draft) {
  const said = plain(draft.fact || '');
  if (said.length < 12) return null;
  return mine.find((note) => note.inmate !== draft.inmate && note.fact && plain(note.fact) === said) || null;
}
