// Times are read and shown on the prison's clock, whatever this PC's is set to.

let zone = 'UTC';
export const locale = () => (document.documentElement.lang === 'en' ? 'en-GB' : document.documentElement.lang);
let ahead = 0;

export function useZone(name) {
  zone = name;
}

// How far the server's clock is ahead of this PC's, in ms: what is claimed is claimed on the server's clock.
export function serverSaid(date) {
  const said = Date.parse(date || '');
  if (!Number.isNaN(said) && Math.abs(said - Date.now()) > 2000) ahead = said - Date.now();
  else if (!Number.isNaN(said)) ahead = 0;
}

export const now = () => new Date(Date.now() + ahead);

const parts = (at, options) => new Intl.DateTimeFormat(locale(), { timeZone: zone, hourCycle: 'h23', ...options }).format(at);
export const clock = (at, seconds) =>
  parts(at, { hour: '2-digit', minute: '2-digit', ...(seconds ? { second: '2-digit' } : {}) });
// As a mark of the day; it is never shown.
const day = (at) => parts(at, { year: 'numeric', month: '2-digit', day: '2-digit' });

// 13:31 today; Mon 21:00 in the days around it; 3 Nov 21:00 else.
export function time(text) {
  if (!text) return '?';
  const at = new Date(text);
  if (day(at) === day(now())) return clock(at);
  const near = Math.abs(at - now()) < 6 * 86400e3;
  return `${parts(at, near ? { weekday: 'short' } : { day: 'numeric', month: 'short' })} ${clock(at)}`;
}

export const date = (text) => parts(new Date(text), { day: 'numeric', month: 'short' });
export const isPast = (text) => new Date(text) <= now();

// The next time the prison's clock shows HH:MM, as an instant; null where that was no time.
export function next(text) {
  const found = /^([01]?\d|2[0-3])[:.]([0-5]\d)$/.exec(text.trim());
  if (!found) return null;
  const wanted = `${found[1].padStart(2, '0')}:${found[2]}`;
  return search(wanted, 1);
}

// The last time it did.
export function last(text) {
  const found = /^([01]?\d|2[0-3])[:.]([0-5]\d)$/.exec(text.trim());
  return found ? search(`${found[1].padStart(2, '0')}:${found[2]}`, -1) : null;
}

// By looking, minute by minute: so the night in which the clocks change needs no rule of its own.
function search(wanted, way) {
  const from = Math.floor(now().getTime() / 60000) * 60000;
  for (let minute = 0; minute < 26 * 60; minute += 1) {
    const at = new Date(from + way * minute * 60000);
    if (clock(at) === wanted) return at;
  }
  return null;
}
