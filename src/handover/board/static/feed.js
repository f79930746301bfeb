// The feed: events as they are committed, resumed where it stopped. It says when it is live, and since when it is blind.

import { accessToken, create, on, Refused, renew } from './session.js';
import { now } from './times.js';

const PATIENCE_S = 10;

export class Feed {
  constructor(establishment, cursor, tell) {
    this.establishment = establishment;
    this.cursor = cursor;
    this.tell = tell; // {event(e), live(), blind(), missed(), deaf(): the server is there, and a feed does not get through}
    this.sure = null; // the last moment at which this screen was certain to be up to date
    this.heard = 0; // the same by this PC's clock
    this.state = 'opening';
    this.tries = 0;
    this.closed = false;
    this.deaf = on('token', (token) => this.send({ type: 'auth', token }));
    this.retry = () => { if (this.waits) this.open(); };
    window.addEventListener('online', this.retry);
    this.open();
  }

  async open() {
    clearTimeout(this.waits);
    this.waits = 0;
    if (this.closed) return;
    try {
      const ticket = (await create('/v1/feed/tickets')).body.ticket;
      if (this.closed) return;
      this.through = true; // until it lives
      const query = new URLSearchParams({ establishment: this.establishment, after: this.cursor || 'now', ticket });
      const address = `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/v1/feed?${query}`;
      const socket = new WebSocket(address, 'handover.v1');
      this.socket = socket;
      this.issued = accessToken();
      socket.onmessage = (message) => this.take(JSON.parse(message.data));
      socket.onclose = (why) => { if (socket === this.socket) this.lost(why.code); };
      this.listen(PATIENCE_S);
    } catch (problem) {
      this.lost(problem instanceof Refused && problem.status === 401 ? 4401 : 1006);
    }
  }

  take(frame) {
    if (frame.type === 'hello') {
      this.beat = frame.heartbeat_s;
      // It opened with a ticket of a token that may have been renewed meanwhile.
      if (this.issued !== accessToken()) this.send({ type: 'auth', token: accessToken() });
    }
    if (frame.type === 'event') {
      this.before = this.cursor;
      this.cursor = frame.event.cursor;
      this.tell.event(frame.event);
    } else if (frame.cursor && frame.type !== 'hello') this.cursor = frame.cursor;
    if (frame.type === 'hello' && !this.cursor) this.cursor = frame.cursor;
    this.listen((this.beat || 20) + PATIENCE_S);
    if (frame.type === 'live') {
      this.state = 'live';
      this.through = false;
      this.tries = 0;
    }
    if (this.state !== 'live') return;
    this.sure = now().getTime();
    this.heard = Date.now();
    if (frame.type === 'live') this.tell.live();
  }

  // Silence for longer than its heartbeats are apart: nobody is there any more.
  listen(seconds) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.drop(1006), seconds * 1000);
  }

  drop(code) {
    this.hangUp();
    this.lost(code);
  }

  hangUp() {
    const { socket } = this;
    this.socket = null;
    if (!socket) return;
    socket.onmessage = null;
    if (socket.readyState === 0) socket.onopen = () => socket.close(); // a browser complains of anything earlier
    else socket.close();
  }

  async lost(code) {
    clearTimeout(this.silence);
    this.socket = null;
    if (this.closed) return;
    if (this.state === 'live' || this.state === 'opening') {
      this.state = 'blind';
      this.tell.blind();
    }
    if (this.through && code === 1006) this.tell.deaf();
    this.through = false;
    if (code === 4401 && !(await renew()) && !accessToken()) return;
    if (code === 4409 || code === 4403) {
      if (code === 4409) this.tell.missed();
      this.cursor = null;
    }
    const waits = Math.min(15000, 500 * 2 ** this.tries) * (0.7 + 0.6 * Math.random());
    this.tries += 1;
    clearTimeout(this.waits);
    this.waits = setTimeout(() => this.open(), waits);
  }

  send(frame) {
    if (!this.closed && frame.token && this.socket && this.socket.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  close() {
    this.closed = true;
    clearTimeout(this.waits);
    clearTimeout(this.silence);
    window.removeEventListener('online', this.retry);
    this.deaf();
    this.hangUp();
  }
}
