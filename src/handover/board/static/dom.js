// Elements without HTML text: nothing that somebody wrote can ever become markup here.

export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  add(element, children);
  return element;
}

// Signs that turn the way of writing, in what somebody wrote: they must not turn who says it, and when, as well.
const TURNS = /[\u202a-\u202e\u2066-\u2069]/;

function apart(element, text) {
  const one = document.createElement('bdi');
  one.textContent = text;
  element.append(one);
}

function add(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) add(element, child);
    else if (typeof child === 'string' && TURNS.test(child)) apart(element, child);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

export function empty(element) {
  while (element.firstChild) element.firstChild.remove();
  return element;
}

export function put(element, ...children) {
  add(empty(element), children);
  return element;
}

// A list whose entries keep their elements while what they say is the same: what I read does not flicker, and the focus
// stays where it was. `signature` is all an entry's element is made of.
export function keep(list, entries, make) {
  const old = new Map();
  for (const element of list.children) old.set(element.dataset.key, element);
  const focused = list.contains(document.activeElement) ? document.activeElement.closest('[data-key]') : null;
  const focusedKey = focused && focused.parentElement === list ? focused.dataset.key : null;
  const wanted = entries.map(({ key, signature, value }) => {
    const before = old.get(key);
    if (before && before.dataset.signature === signature) return before;
    const element = make(value);
    element.dataset.key = key;
    element.dataset.signature = signature;
    return element;
  });
  let place = list.firstChild;
  for (const element of wanted) {
    if (element === place) place = place.nextSibling;
    else list.insertBefore(element, place);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
  if (focusedKey && !list.contains(document.activeElement)) {
    const again = wanted.find((element) => element.dataset.key === focusedKey);
    const target = again && (again.matches('[tabindex], button') ? again : again.querySelector('[tabindex], button, a'));
    if (target) target.focus({ preventScroll: true });
  }
}

let count = 0;
export const newId = (stem) => `${stem}-${(count += 1)}`;
