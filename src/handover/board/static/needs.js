// What becomes of a need: met, not possible, passed on, or seen to by me. Each acts on the line one stands on.

import { desk, whom } from './desk.js';
import { askLine, failed, here, say } from './keys.js';
import { ask, get } from './session.js';
import { label, low, t } from './words.js';
import { time } from './times.js';
import { need as words, staff } from './phrases.js';

// `done` reads again whatever the screen shows.
export const needKeys = (go, done) => (go.may('needs:write') && document.querySelector('[data-need]') ? [
  { key: 'd', label: t('need is done'), run: () => met(done) },
  { key: 'm', label: t('I see to the need'), run: () => mine(done) },
  { key: 'v', label: t('need is not possible'), run: () => notPossible(done) },
  { key: 'g', label: t('pass the need on'), run: () => passOn(done) },
].map((one) => ({ ...one, on: (line) => line.need })) : []);

// What a line is made of that can be acted on.
export const marked = (one) => ({ 'data-need': one.id, 'data-version': one.version, 'data-words': `${whom(one.inmate, one.unit)}: ${words(one)}` });

function stoodOn() {
  const row = here();
  if (row && row.dataset.need) return row.dataset;
  say(t('Go to a need with the arrows first.'));
  return null;
}

// What is typed is kept under what it is about and what is asked: an outcome begun is no reason.
function asks(on, kind, label, go, body, done, most) {
  return on && askLine(`${kind}-${on.need}`, label, (text) => change(on, body(text), done), { go, most });
}

const met = (done, on = stoodOn()) => asks(on, 'need', on && t('What came of it? ({need})', { need: on.words }), t('done'), (outcome) => ({ status: 'DONE', outcome }), done);
const notPossible = (done, on = stoodOn()) => asks(on, 'not', on && t('Why is it not possible? Tell the person as well. ({need})', { need: on.words }), t('not possible'), (reason) => ({ status: 'NOT_POSSIBLE', reason }), done);
const passOn = (done, on = stoodOn()) => asks(on, 'pass', on && t('To whom is it passed on? ({need})', { need: on.words }), t('pass it on'), (owner) => ({ status: 'PASSED_ON', owner }), done, 120);

function mine(done) {
  const on = stoodOn();
  return on && change(on, { owner: desk.me.name }, done).catch(failed);
}

// Of the need as it stands on the screen now: whoever has been told that it changed has looked again.
async function change({ need, version }, body, done) {
  const shown = document.querySelector(`[data-need="${need}"]`);
  try {
    await ask('PATCH', `/v1/needs/${need}`, { body, headers: { 'If-Match': `"${shown ? shown.dataset.version : version}"` } });
  } catch (problem) {
    if (problem.status !== 412) throw problem;
    const last = await lastOf(need);
    // It was done before, and only the answer was lost.
    if (!last || last.by.username !== desk.me.username || Object.keys(body).some((name) => last[name] !== body[name])) {
      problem.message = quicker(last);
      await done(); // what is said of it is on the screen, and the next try is of that
      throw problem;
    }
  }
  say(body.status ? t('{what}. Whoever wrote it down is told.', { what: label('need_status', body.status) }) : t('It is yours.'));
  done();
}

async function lastOf(need) {
  const now = await get(`/v1/needs/${need}`).catch(() => null);
  return now && now.history && now.history[now.history.length - 1];
}

function quicker(last) {
  if (!last) return t('Somebody changed it first; look again. Nothing of yours was recorded.');
  const what = [low('need_status', last.status), last.owner && t('with {name}', { name: last.owner }), last.outcome || last.reason].filter(Boolean).join(', ');
  return t('{name} changed it first, at {time}: {what}. Nothing of yours was recorded.', { name: staff(last.by), time: time(last.at), what });
}
