// What was typed, and what can be meant by it: people by cell, number or letters; codes by label and by officers' words.

import { desk, unitName } from './desk.js';
import { get } from './session.js';
import { codes, t } from './words.js';
import { next } from './times.js';

export const plain = (text) => text.toLowerCase().normalize('NFD').replace(/[^\p{L}\p{N}]+/gu, '');

function rank(texts, typed) {
  const all = texts.filter(Boolean).map(plain);
  if (all.includes(typed)) return 0;
  if (all.some((one) => one.startsWith(typed))) return 1;
  return typed.length > 1 && all.some((one) => one.includes(typed)) ? 2 : 9;
}

// Those of a list that may be meant, as {one, rank}: the likeliest first.
function entries(list, text) {
  const typed = plain(text);
  if (!typed) return [];
  const ranked = codes(list).map((one) => ({ one, rank: rank([one.label, one.code, ...one.words], typed) }));
  return ranked.filter((found) => found.rank < 9).sort((a, b) => a.rank - b.rank);
}

export const personText = (one) => `${one.cell || ''} ${one.name} ${one.inmate}`.trim();

// The unit somebody is on, where this screen knows it.
export function unitOf(inmate) {
  const here = desk.sheet && [...desk.sheet.people, ...desk.sheet.others].some((one) => one.inmate === inmate);
  return here ? desk.sheet.unit : (desk.cells.get(inmate) || {}).unit || null;
}

export async function people(text, withUnit) {
  const typed = plain(text);
  const here = desk.sheet ? [...desk.sheet.people, ...desk.sheet.others] : [];
  const ranked = here.map((one) => [rank([one.cell, one.inmate, ...one.name.split(/[\s,]+/)], typed), one]).filter(([place]) => place < 9);
  ranked.sort((a, b) => a[0] - b[0] || (a[1].cell || '').localeCompare(b[1].cell || ''));
  const found = ranked.map(([place, one]) => ({ rank: place, text: personText(one), value: { inmate: one.inmate, name: one.name, cell: one.cell, unit: desk.sheet.unit } }));
  if (withUnit && desk.unit && rank([unitName(desk.unit), t('wing'), t('unit')], typed) < 2) found.push({ text: t('{unit} itself, nobody in particular', { unit: unitName(desk.unit) }), value: { inmate: null, name: unitName(desk.unit), cell: '', unit: null } });
  if (found.length || typed.length < 2 || !desk.place) return found;
  const query = new URLSearchParams({ establishment: desk.place.code, q: text, limit: 8 });
  const answer = await get(`/v1/inmates?${query}`).catch(() => ({ items: [] }));
  // Whoever may not look people up, or cannot now, can still give a number.
  if (!answer.items.length && /^(?=.*\d)[A-Za-z0-9_-]{4,32}$/.test(text.trim())) return [{ text: t('number {number}, as typed', { number: text.trim() }), value: { inmate: text.trim(), name: text.trim(), cell: '', unit: null } }];
  return answer.items.map((one) => ({ text: `${personText({ ...one, inmate: one.number })} · ${unitName(one.unit)}`, value: { inmate: one.number, name: one.name, cell: one.cell, unit: one.unit } }));
}

// What is said where nobody was found; without a network only those on the sheet are looked through.
export const nobody = (words) => (desk.feed && desk.feed.state === 'blind' ? t('Nobody here is known as “{words}”; the rest of the prison cannot be looked up now.', { words }) : t('Nobody is known as “{words}”.', { words }));

// 18:00 is a time by itself, 18.00 behind an @ alone: "money 12.50 missing" is due at no time.
const TIME = /(?:^|[\s@])([01]?\d|2[0-3])[:h][0-5]\d\b|@([01]?\d|2[0-3])\.[0-5]\d\b/i;

// "phone! 18:00 call to his daughter": what, promised, by when, what exactly.
export function needs(text) {
  const promised = text.includes('!');
  const time = TIME.exec(text);
  const due = time ? next(time[0].replace('@', '').trim()) : null;
  const rest = text.replace(time ? time[0] : '', ' ').replace('!', ' ').replace(/^\s+|\s+$/g, '');
  const [head, ...tail] = rest.split(/\s*[:,]\s*/);
  const words = head.split(/\s+/);
  for (let count = words.length; count > 0; count -= 1) {
    const found = entries('needs', words.slice(0, count).join(' '));
    if (found.length && (count === words.length || found[0].rank < 2)) {
      const detail = [words.slice(count).join(' '), ...tail].filter(Boolean).join(', ');
      return found.map(({ one, rank: place }) => ({ rank: place, text: [one.label, promised && t('promised'), due && time[0].replace('@', '').trim(), detail].filter(Boolean).join(', '), value: { code: one.code, promised, due_at: due ? due.toISOString() : null, detail: detail || null } }));
    }
  }
  return [];
}

// "listened = helped", "gone quiet, new"
export function withMark(list, marks, name) {
  return (text) => {
    const [head, ...tail] = text.split(/\s*[=,:]\s*/);
    const [mark] = entries(marks, tail.join(' '));
    // What stands behind the sign is understood, or the whole is not: no word of it goes without being missed.
    const meant = mark || !tail.join('') ? entries(list, head) : entries(list, text);
    return meant.map(({ one, rank: place }) => ({ rank: place, text: `${one.label}: ${one.anchor}`, value: { code: one.code, [name]: mark ? mark.one.code : null } }));
  };
}
