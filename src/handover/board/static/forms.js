// What stands in a form that is not sent yet is kept like a draft: a lock or a power cut takes no read-back away.

import { changed } from './desk.js';
import * as vault from './vault.js';

const pending = new Map(); // what is typed and not on the disk yet, and how to keep it

// Keeps it now: after a lock nobody would see what comes to the disk later.
export const keepNow = () => Promise.all([...pending.values()].map((save) => save()));

let saves = 0;
export const saveMark = () => saves;

// `ready`: what was kept before stands in the inputs. What is typed until then is kept as well: a disk may be slower than a
// hand. A line that was begun anew stands for itself; of several inputs, those not touched may be on the disk.
export function kept(id, inputs, extra) {
  const holder = vault.holder();
  const key = `form-${holder.author}-${id}`;
  const ready = before();
  const line = Object.keys(inputs).length === 1 && inputs.input;
  let timer = 0;
  let typed = 0;
  let gone = false;

  async function before() {
    const found = (await vault.load('form')).find((one) => one.id === key);
    if (!found) return;
    for (const [name, input] of Object.entries(inputs)) if (found.data[name] && !input.value) {
      input.value = found.data[name];
      input.dispatchEvent(new Event('input')); // as if it were typed again, for whatever is said of it
    }
    if (extra && found.data.extra) extra.put(found.data.extra);
  }

  async function keep() {
    if (gone) return;
    const until = typed;
    const data = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
    await vault.save('form', key, Date.now(), { ...data, extra: extra && extra.get() }, holder).catch(() => {});
    saves += 1;
    if (typed === until && pending.get(key) === save) pending.delete(key);
    if (vault.holder() !== holder) changed(); // it was locked meanwhile, and may be open again
  }

  function save() {
    clearTimeout(timer);
    timer = 0;
    return line && line.value ? keep() : ready.then(keep);
  }

  function soon() {
    timer = timer || setTimeout(save, vault.SAVE_MS);
    typed += 1;
    pending.set(key, save);
  }

  function done() {
    gone = true;
    clearTimeout(timer);
    if (pending.get(key) === save) pending.delete(key);
    return vault.remove(key).catch(() => {}); // what was done is done, whatever the disk says
  }

  for (const input of Object.values(inputs)) input.addEventListener('input', soon);
  return { ready, soon, save, done };
}
