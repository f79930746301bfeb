// Every word an officer reads goes through here: t for one, n where a number decides, label for a code of a list.

let catalogue = {};
let forms = null;
let lists = new Map();

export const language = () => document.documentElement.lang;

// What a browser writes dates and numbers in: few know Welsh, and an officer there reads days and months as in English order.
export const locale = () => (language() !== 'en' && Intl.DateTimeFormat.supportedLocalesOf(language()).length ? language() : 'en-GB');

// Speaks a language from now on. English is in the script itself.
export async function speak(name) {
  const told = name === 'en' ? { messages: {}, forms: null } : await (await fetch(new URL(`words.${name}.json`, import.meta.url))).json();
  if (!told.messages) throw new TypeError('these are no words');
  catalogue = told.messages;
  forms = told.forms;
  document.documentElement.lang = name;
}

export function learn(all) {
  lists = new Map(all.map((list) => [list.name, list]));
}

export const allLists = () => [...lists.values()];

export function t(message, values) {
  const known = catalogue[message];
  return filled(known ? known[0] : message, values);
}

export function n(one, many, number, values) {
  const known = catalogue[one];
  // gettext's plural rules look at no more than a number's last two digits, so a table of them is enough.
  const form = forms ? forms[number < forms.length ? number : 100 + (number % 100)] : Number(number !== 1);
  return filled(known ? known[form] : form ? many : one, { n: new Intl.NumberFormat(locale()).format(number), ...values });
}

function filled(text, values) {
  return values ? text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)) : text;
}

export const codes = (name) => (lists.has(name) ? lists.get(name).items.filter((one) => one.active) : []);

export function entry(name, code) {
  const list = lists.get(name);
  return (list && list.items.find((one) => one.code === String(code))) || null;
}

export function label(name, code) {
  const found = entry(name, code);
  return found ? found.label : String(code).replace(/_/g, ' ').toLowerCase();
}

// As it goes into a sentence. In German a capital letter is a noun's, so its labels are written as they stay.
export function low(name, code) {
  const words = label(name, code);
  return language() === 'de' || /^\p{Lu}\p{Lu}/u.test(words) || words.startsWith('I ') ? words : words.charAt(0).toLowerCase() + words.slice(1);
}
