// What stands in a form that is not sent yet is kept like a draft: a lock or a power cut takes no read-back away.

import * as vault from './vault.js';

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
    if (gone) return null;
    const data = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
    return vault.save('form', key, Date.now(), { ...data, extra: extra && extra.get() }, holder).catch(() => {});
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(save, 250); };
  for (const input of Object.values(inputs)) input.addEventListener('input', soon);
  return { soon, save, done: () => { gone = true; clearTimeout(timer); return vault.remove(key); } };
}
