// The printed page: the same as from a terminal, as the server lays it out, put in place of the screen while it prints.

import { h, put } from './dom.js';
import { at, desk } from './desk.js';
import { accessToken } from './session.js';
import { language, t } from './words.js';

const PATIENCE_MS = 20000; // laying out takes a moment; a server that says nothing for so long is not there
let trusted = null; // a policy can be made once: the page is printed more than once in a shift

export function paper(main, go) {
  put(main, h('p', { class: 'quiet' }, t('laying out the page …')));
  const board = document.getElementById('board');
  const styles = document.querySelector('link[rel=stylesheet]');
  let page = null;
  let left = false;
  let unsaid = desk.unsaid.size;
  lay(true);

  async function lay(first) {
    const laid = unsaid;
    const unit = desk.unit;
    const given = new AbortController();
    const patience = setTimeout(() => given.abort(), PATIENCE_MS);
    const answer = await fetch(`${at(unit)}/sheet`, { signal: given.signal, headers: { Accept: 'text/html', 'Accept-Language': language(), Authorization: `Bearer ${accessToken()}` }, cache: 'no-store' }).catch(() => null);
    const whole = answer && answer.ok ? await answer.text().catch(() => null) : null;
    clearTimeout(patience);
    if (left) return null; // what comes now is for another screen
    if (whole === null) return put(main, h('p', { class: 'late' }, t('The page cannot be had from the server now.')));
    // The page's own style is applied by hand: as an element our policy would not let it in.
    const style = whole.split('<style>').slice(1).map((part) => part.split('</style>')[0]).join('\n');
    const html = whole.replace(/<style>[^]*?<\/style>/g, '');
    if (!main.isConnected || !accessToken() || laid !== unsaid) return null;
    // The one place where HTML is read: our own server's page, for its nodes; it holds no script, and none would run.
    trusted = trusted || (window.trustedTypes ? trustedTypes.createPolicy('paper', { createHTML: (text) => text }) : null);
    const parsed = new DOMParser().parseFromString(trusted ? trusted.createHTML(html) : html, 'text/html');
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    document.adoptedStyleSheets = [sheet];
    page = document.createElement('div');
    page.id = 'paper';
    for (const node of [...parsed.body.childNodes]) page.append(document.importNode(node, true));
    document.body.className = parsed.body.className;
    styles.disabled = true;
    board.hidden = true;
    document.body.append(page);
    window.addEventListener('afterprint', back);
    if (first) setTimeout(() => window.print(), 50);
    return null;
  }
  const back = () => go.show('unit');

  // Words that were taken back go from the page at once; then it is laid out anew.
  function update() {
    if (unsaid === desk.unsaid.size) return;
    unsaid = desk.unsaid.size;
    if (page) page.remove();
    lay(!page);
  }

  return {
    update,
    leave: () => {
      left = true;
      window.removeEventListener('afterprint', back);
      if (page) page.remove();
      document.adoptedStyleSheets = [];
      document.body.className = '';
      styles.disabled = false;
      board.hidden = false;
    },
    keys: () => [{ key: 'p', label: t('print'), run: () => window.print() }, { key: 'escape', label: t('back'), run: back }],
  };
}
