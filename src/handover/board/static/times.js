// Times are read and shown on the prison's clock, whatever this PC's is set to.

import { language, locale, t } from './words.js';

let zone = 'UTC';
let ahead = 0;

export function useZone(name) {
  zone = name;
}

// How far the server's clock is ahead of this PC's, in ms: what is claimed is claimed on the server's clock.
// It said so at some moment between `asked` and `came`: an answer may be long on its way, and is no reason to doubt what
// fits it.
export function serverSaid(date, asked, came) {
  const said = Date.parse(date || '');
  if (Number.isNaN(said)) return;
  const off = Math.min(Math.max(ahead, said - came), said - asked);
  ahead = Math.abs(off) > 2000 ? off : 0;
}

export const now = () => new Date(Date.now() + ahead);

// A format costs more to make than to use a hundred times.
const formats = new Map();
function parts(at, options, place = locale()) {
  const key = `${place} ${zone} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(place, { timeZone: zone, hourCycle: 'h23', ...options }));
  return formats.get(key).format(at);
}

// The prison's clock as digits: the same in every language, and never to be mistaken for another sort of clock.
export const digits = (at, seconds) => parts(at, { hour: '2-digit', minute: '2-digit', ...(seconds ? { second: '2-digit' } : {}) }, 'en-GB');

// As it is read. In the night in which it shows an hour twice, with the zone: 01:30 BST, and then 01:30 GMT.
export function clock(at, seconds) {
  const shown = digits(at);
  const twice = [-3600e3, 3600e3].some((step) => digits(new Date(at.getTime() + step)) === shown);
  return `${digits(at, seconds)}${twice ? ` ${parts(at, { timeZoneName: 'short', hour: '2-digit' }, 'en-GB').replace(/^\S+\s/, '')}` : ''}`;
}

// As a mark of the day; it is never shown.
const day = (at) => parts(at, { year: 'numeric', month: '2-digit', day: '2-digit' }, 'en-GB');

// The day in the prison, as a shift's name begins: 2026-11-25.
export const dayName = (at) => day(at).split('/').reverse().join('-');

// Days and months as the browser calls them; where it does not know the language, as the catalogue does.
const NAMES = 'Sun Mon Tue Wed Thu Fri Sat Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
function named(at, options) {
  const said = parts(at, options);
  if (locale().startsWith(language())) return said;
  const ours = t('Sun Mon Tue Wed Thu Fri Sat Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec').split(' ');
  return said.replace(/\p{L}{3,}/gu, (name) => ours[NAMES.indexOf(name.slice(0, 3))] || name);
}

// 13:31 today; Mon 21:00 in the days around it; 3 Nov 21:00 else.
export function time(text) {
  if (!text) return '?';
  const at = new Date(text);
  if (day(at) === day(now())) return clock(at);
  const near = Math.abs(at - now()) < 6 * 86400e3;
  return `${named(at, near ? { weekday: 'short' } : { day: 'numeric', month: 'short' })} ${clock(at)}`;
}

export const date = (text) => named(new Date(text), { day: 'numeric', month: 'short' });
const dayOf = (at) => named(at, { weekday: 'short', day: 'numeric', month: 'short' });
export const today = () => dayOf(now());

// Which day that is, said so that nobody has to count: yesterday, Wed 25 Nov.
export function whichDay(at) {
  const before = new Date(Date.parse(dayName(now())) - 86400e3).toISOString().slice(0, 10);
  if (dayName(at) === dayName(now())) return t('today, {day}', { day: dayOf(at) });
  return dayName(at) === before ? t('yesterday, {day}', { day: dayOf(at) }) : dayOf(at);
}
export const isPast = (text) => new Date(text) <= now();

const TYPED = /^([01]?\d|2[0-3])[:.h]([0-5]\d)(?: ?([a-z].*))?$/;

// The next time the prison's clock shows HH:MM, as an instant; null where that was no time.
export const next = (text) => search(text, 1);

// The last time it did.
export const last = (text) => search(text, -1);

// Of a time that it showed twice by now, and that does not say which is meant, both: 01:30 BST, 01:30 GMT.
export function lastTwo(text) {
  const at = last(text);
  const before = at && new Date(at - 3600e3);
  return at && !TYPED.exec(text.trim().toLowerCase())[3] && digits(before) === digits(at) ? [clock(before), clock(at)] : null;
}

// By looking, minute by minute: so the night in which the clocks change needs no rule of its own.
function search(text, way) {
  const found = TYPED.exec(text.trim().toLowerCase());
  if (!found) return null;
  const wanted = `${found[1].padStart(2, '0')}:${found[2]}`;
  const from = Math.floor(now().getTime() / 60000) * 60000;
  for (let minute = 0; minute < 26 * 60; minute += 1) {
    const at = new Date(from + way * minute * 60000);
    if (digits(at) === wanted && (!found[3] || clock(at).toLowerCase() === `${wanted} ${found[3]}`)) return at;
  }
  return null;
}
