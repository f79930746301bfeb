// Mood and change over six weeks, drawn from what was written: a shape for each kind of source, gaps as gaps. No number
// and no colour sums a person up; the table behind it says the same to those who cannot see it.

import { h, svg } from './dom.js';
import { codes, label, t } from './words.js';
import { date, now, time } from './times.js';
import * as phrases from './phrases.js';

const DAYS = 42;
const [WIDE, LEFT, TOP, STEP] = [900, 92, 16, 30];
const [SIGN, LINE] = [18, 15]; // how wide the widest sign of a change is, and how high
const GAP_MS = 2.5 * 86400e3;
const KINDS = { SAW: 'seen', HEARD: 'seen', TOLD_BY_PERSON: 'own', FROM_RECORD: 'other', INFERRED: 'other' };
const kind = (note) => (note.mood && note.mood.source === 'SELF_REPORTED' ? 'own' : KINDS[note.basis] || 'told');
const MARKS = {
  seen: (x, y) => svg('circle', { cx: x, cy: y, r: 4.2, class: 'dot full' }),
  own: (x, y) => svg('path', { d: `M${x} ${y - 5.5}l5 9h-10z`, class: 'dot' }),
  told: (x, y) => svg('path', { d: `M${x} ${y - 5.5}l5.5 5.5l-5.5 5.5l-5.5 -5.5z`, class: 'dot' }),
  other: (x, y) => svg('path', { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`, class: 'dot' }),
};
const NAMES = { seen: () => t('seen or heard by staff'), own: () => t('in the person’s own words'), told: () => t('told by somebody else'), other: () => t('from a record, or worked out') };

// `whole`: whether this reader may read what the person's own unit reads.
export function picture(notes, whole) {
  const from = now().getTime() - DAYS * 86400e3;
  const shown = notes.filter((note) => note.status === 'ACTIVE' && new Date(note.occurred_at) >= from && (note.change || (note.mood && note.mood.valence !== null))).sort((a, b) => (a.occurred_at < b.occurred_at ? -1 : 1));
  if (!shown.length) return h('p', { class: 'quiet' }, !whole ? t('Nothing that you may read.') : t('No mood and no change was written in six weeks: that says nothing about how the person was.'));
  const x = (text) => LEFT + ((new Date(text) - from) / (DAYS * 86400e3)) * (WIDE - LEFT - 12);
  const y = (valence) => TOP + (2 - valence) * STEP;
  const changesAt = TOP + 5 * STEP + 2;
  const moods = shown.filter((note) => note.mood && note.mood.valence !== null);
  const lines = [];
  for (let place = 1; place < moods.length; place += 1) {
    const [a, b] = [moods[place - 1], moods[place]];
    if (new Date(b.occurred_at) - new Date(a.occurred_at) <= GAP_MS) lines.push(svg('path', { d: `M${x(a.occurred_at)} ${y(a.mood.valence)}L${x(b.occurred_at)} ${y(b.mood.valence)}` }));
  }
  const ends = []; // where the last sign of each line stands: what would be printed over another goes to the next line
  const signs = shown.filter((note) => note.change).map((note) => {
    const at = x(note.occurred_at);
    const free = ends.findIndex((end) => at - end >= SIGN);
    const line = free < 0 ? ends.length : free;
    ends[line] = at;
    return svg('text', { x: at, y: changesAt + 4 + line * LINE, 'text-anchor': 'middle' }, phrases.SHAPES[note.change] || '?');
  });
  const bottom = changesAt + Math.max(0, ends.length - 1) * LINE;
  const weeks = [0, 7, 14, 21, 28, 35, 42].map((day) => new Date(from + day * 86400e3));
  const drawn = svg('svg', { class: 'picture', viewBox: `0 0 ${WIDE} ${bottom + 34}`, role: 'img', 'aria-label': t('Mood and change over six weeks; the same as a table below.') },
    codes('mood_valence').map((one) => [svg('line', { class: 'rule', x1: LEFT, x2: WIDE - 12, y1: y(Number(one.code)), y2: y(Number(one.code)) }), svg('text', { x: 0, y: y(Number(one.code)) + 4 }, one.label)]),
    svg('text', { x: 0, y: changesAt + 4 }, t('against usual')),
    weeks.map((at, place) => svg('text', { x: Math.min(x(at), WIDE - 46), y: bottom + 28, 'text-anchor': place ? 'middle' : 'start' }, date(at))),
    lines,
    moods.map((note) => MARKS[kind(note)](x(note.occurred_at), y(note.mood.valence))),
    signs);
  const legend = h('p', { class: 'quiet' }, Object.keys(MARKS).map((one) => [svg('svg', { width: 14, height: 14, viewBox: '0 0 14 14', class: 'picture inline', 'aria-hidden': 'true' }, MARKS[one](7, 7)), ` ${NAMES[one]()}   `]), t('Where nothing was written nothing is drawn.'));
  const table = h('details', {}, h('summary', {}, t('the same as a table ({n})', { n: shown.length })),
    h('table', {}, h('thead', {}, h('tr', {}, [t('when'), t('mood'), t('against usual'), t('how known'), t('by')].map((one) => h('th', { scope: 'col' }, one)))),
      h('tbody', {}, [...shown].reverse().map((note) => h('tr', {}, h('td', {}, time(note.occurred_at)), h('td', {}, phrases.mood(note.mood)), h('td', {}, note.change ? label('change', note.change) : ''), h('td', {}, label('basis', note.basis)), h('td', {}, phrases.staff(note.author)))))));
  return h('div', {}, drawn, legend, table);
}
