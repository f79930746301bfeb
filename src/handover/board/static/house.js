// The whole prison, for those who answer for it: units down, changeovers across; what nobody has taken. Units and items
// are counted, officers never are.

import { h, put } from './dom.js';
import { desk, unitName, whom } from './desk.js';
import { all, get } from './session.js';
import { failed, here } from './keys.js';
import { n, t } from './words.js';
import { date, now, time } from './times.js';
import * as phrases from './phrases.js';
import { shiftOf } from './head.js';

const BACK_MS = 36 * 3600e3;
const OPEN = ['OFFERED', 'OVERDUE', 'ESCALATED'];
const EVERY_MS = 2000;
const LISTEN_MS = 30000; // nothing tells of a screen that went dark: it is asked for

export function house(main, go) {
  const table = h('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': t('{place}: units and changeovers', { place: desk.place.name }) });
  const lists = h('div');
  const dark = h('div');
  put(main, h('h2', {}, t('{place}: units and changeovers', { place: desk.place.name })), table, lists, dark);
  let waiting = 0;
  let seen = '';
  let going = false;
  const listening = setInterval(listen, LISTEN_MS);
  read();

  // What cannot be asked now is asked again: what stands meanwhile was true half a minute ago.
  async function listen() {
    const told = await get(`/v1/establishments/${desk.place.code}/listening`).catch(() => null);
    if (!told) return;
    const deaf = told.items.filter((one) => one.hears === 'NOTHING');
    const shown = part(n('{n} unit where no screen listens', '{n} units where no screen listens', deaf.length),
      deaf.map((one) => [one.unit, `${unitName(one.unit)}: ${one.since ? t('since {time}', { time: time(one.since) }) : t('never, as far as is known')}`]));
    if (dark.textContent !== shown.textContent) put(dark, shown);
  }

  async function read() {
    going = true;
    try {
      const code = desk.place.code;
      const [handovers, pages, needs] = await Promise.all([
        all(`/v1/handovers?establishment=${code}`, 200), all(`/v1/pages?establishment=${code}&state=RAISED`),
        all(`/v1/needs?establishment=${code}&status=OPEN&due_before=${encodeURIComponent(now().toISOString())}`),
      ]);
      const numbers = [...pages, ...needs].map((one) => one.inmate).filter((one) => one && !desk.cells.has(one));
      await Promise.all([...new Set(numbers)].slice(0, 40).map(async (number) => {
        const one = await get(`/v1/inmates/${encodeURIComponent(number)}`).catch(() => null);
        if (one) desk.cells.set(number, { ...one, inmate: one.number });
      }));
      draw(handovers, pages, needs);
      listen();
    } catch (problem) {
      failed(problem);
    }
    going = false;
  }

  function draw(handovers, pages, needs) {
    const shifts = handovers.filter((one) => one.kind === 'SHIFT' && one.state !== 'WITHDRAWN' && now() - new Date(one.offered_at) < BACK_MS);
    const columns = [...new Map(shifts.map((one) => [one.to_shift, one.due_at])).entries()].sort((a, b) => (a[1] < b[1] ? 1 : -1)).slice(0, 4);
    const cell = (unit, key) => {
      const one = shifts.find((other) => other.unit === unit && other.to_shift === key);
      if (!one) return h('td', {}, t('nobody has offered it'));
      if (OPEN.includes(one.state)) return h('td', {}, h('b', { class: one.state === 'OFFERED' ? '' : 'late' }, one.state === 'OFFERED' ? t('offered {time}', { time: time(one.offered_at) }) : phrases.STATES[one.state]()), ' ', t('due {time}', { time: time(one.due_at) }));
      return h('td', {}, one.state === 'ACCEPTED' ? t('accepted {time}', { time: time(one.accepted_at) }) : t('accepted {time}, with questions open', { time: time(one.accepted_at) }));
    };
    put(table, h('table', { class: 'house' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('unit')), columns.map(([key]) => h('th', { scope: 'col' }, `${date(key.slice(0, 10))} → ${shiftOf(key)}`)), h('th', { scope: 'col' }, t('pages not taken')), h('th', { scope: 'col' }, t('promises past due')))),
      h('tbody', {}, desk.place.units.map((unit) => h('tr', { 'data-row': true, tabindex: -1, 'data-unit': unit.code, ondblclick: () => go.unit(unit.code) }, h('th', { scope: 'row' }, unit.name), columns.map(([key]) => cell(unit.code, key)),
        h('td', {}, String(pages.filter((one) => one.unit === unit.code).length)), h('td', {}, String(needs.filter((one) => one.unit === unit.code && one.promised).length)))))));
    const moving = handovers.filter((one) => one.kind === 'TRANSFER' && OPEN.includes(one.state));
    const promised = needs.filter((one) => one.promised);
    put(lists,
      part(n('{n} page nobody has taken', '{n} pages nobody has taken', pages.length), pages.map((one) => [one.unit, `${phrases.calling(one, whom(one.inmate, one.unit))}, ${t('since {time}', { time: time(one.raised_at) })}`])),
      part(n('{n} promise past its time', '{n} promises past their time', promised.length), promised.map((one) => [one.unit, `${whom(one.inmate, one.unit)}: ${phrases.need(one)}`])),
      part(n('{n} person on the way', '{n} people on the way', moving.length), moving.map((one) => [one.unit, `${one.transfer.name}: ${unitName(one.transfer.from.unit)} → ${unitName(one.transfer.to.unit)}, ${t('since {time}', { time: time(one.offered_at) })}`])));
  }

  const part = (title, items) => h('section', { class: 'part' }, h('h2', {}, title), h('ul', { class: 'list' }, items.map(([unit, text]) => h('li', { 'data-row': true, tabindex: -1, 'data-unit': unit }, text))));

  const unit = () => here() && here().dataset.unit;
  return {
    update: () => {
      const mark = `${desk.pages.size} ${[...desk.pages.values()].map((one) => one.version).join()} ${[...desk.handovers.values()].map((one) => one.version).join()} ${desk.news.length ? desk.news[0].id : ''}`;
      if (mark === seen) return;
      const first = seen === '';
      seen = mark;
      if (!first && !waiting && !going) waiting = setTimeout(() => { waiting = 0; read(); }, EVERY_MS);
    },
    leave: () => { clearTimeout(waiting); clearInterval(listening); },
    keys: () => [{ key: 'enter', label: t('to the unit'), run: () => unit() && go.unit(unit()) }, { key: 'escape', label: t('back'), run: () => go.show('unit') }],
  };
}
