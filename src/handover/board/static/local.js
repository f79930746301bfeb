// What this browser remembers for whoever sits at it. Where it takes nothing, or is not allowed to, this page does until
// it is closed: nobody is kept out by that, and no screen stays open.

const page = new Map();

function tried(work, otherwise) {
  try {
    return work(localStorage);
  } catch (refused) {
    return otherwise;
  }
}

export const local = {
  getItem: (name) => (page.has(name) ? page.get(name) : tried((all) => all.getItem(name), null)),
  setItem(name, text) {
    page.delete(name);
    if (!tried((all) => { all.setItem(name, text); return true; }, false)) page.set(name, text);
  },
  removeItem(name) {
    page.delete(name);
    tried((all) => all.removeItem(name));
  },
  names: () => tried((all) => Object.keys(all), []),
};
