// Questions to me about what I have offered: said at the foot of every screen until they are answered, and answered there.

import { desk, learnHandover, changed } from './desk.js';
import { askLine } from './keys.js';
import { create, get } from './session.js';
import { t } from './words.js';

const OPEN = ['OFFERED', 'OVERDUE', 'ESCALATED'];
let reading = null;

// [{handover, query}], the oldest first.
export function asked() {
  if (!desk.me) return [];
  learn();
  const mine = [...desk.handovers.values()].filter((one) => OPEN.includes(one.state) && one.outgoing.username === desk.me.username);
  return mine.flatMap((handover) => handover.queries.filter((query) => !query.answers.length && query.text).map((query) => ({ handover, query })))
    .sort((a, b) => (a.query.at < b.query.at ? -1 : 1));
}

// What was asked before I came to this screen, no event tells it any more.
function learn() {
  const one = desk.sheet && desk.sheet.handover;
  if (!one || !one.open_queries || one.outgoing.username !== desk.me.username || desk.handovers.has(one.id) || reading === one.id) return;
  reading = one.id;
  reread(one.id).finally(() => { reading = null; });
}

const reread = (id) => get(`/v1/handovers/${id}`).then(learnHandover).then(changed).catch(() => {});

export const answer = (handover, query) => askLine(`answer-${query.id}`, t('Answer to “{text}”', { text: query.text }), async (text, once) => {
  await create(`/v1/handovers/${handover}/queries/${query.id}/answers`, { text }, once);
  reread(handover);
}, { go: t('answer'), most: 1000 });
