// What stands in a form that is not sent yet is kept like a draft: a lock or a power cut takes no read-back away.

import * as vault from './vault.js';

const pending = new Map(); // what was typed this moment, and how to keep it

// Keeps it now: after a lock nobody would see what comes to the disk later.
export const keepNow = () => Promise.all([...pending.values()].map((save) => save()));

let saves = 0;
export const saveMark = () => saves;

export async function kept(id, inputs, extra) {
  const holder = vault.holder();
  const key = `form-${holder.author}-${id}`;
  const before = (await vault.load('form')).find((one) => one.id === key);
  if (before) {
    for (const [name, input] of Object.entries(inputs)) if (before.data[name] && !input.value) input.value = before.data[name];
    if (extra && before.data.extra) extra.put(before.data.extra);
  }
  let timer = 0;
  let gone = false;
  const save = () => {
    clearTimeout(timer);
    pending.delete(key);
    if (gone) return null;
    const data = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
    return vault.save('form', key, Date.now(), { ...data, extra: extra && extra.get() }, holder).catch(() => {}).finally(() => { saves += 1; });
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(save, 250); pending.set(key, save); };
  for (const input of Object.values(inputs)) input.addEventListener('input', soon);
  return { soon, save, done: () => { gone = true; clearTimeout(timer); pending.delete(key); return vault.remove(key); } };
}
