/**
 * Receives events: by a WebSocket where one can be opened, else by polling. Both continue after the same cursor, and
 * each event is passed on once, whichever brings it.
 */

import { Refused } from './api.js';
import { Poller } from './poller.js';
import { Socket } from './socket.js';

/** @typedef {import('./types.js').Frame} Frame */
/** @typedef {'connecting' | 'open' | 'lost' | 'signed out'} ConnectionState */

/** Milliseconds that a socket has to open before polling begins beside it. */
const SOCKET_WITHIN = 3000;
/** Milliseconds without an answer after which the connection counts as lost. */
const ANSWER_WITHIN = 6000;
/** Milliseconds between two tries of a socket, at most, while polling works. */
const PATIENT_WAIT = 300_000;
const REMEMBERED = 10_000;

export class Connection {
  /**
   * @param {object} options
   * @param {import('./api.js').Api} options.api
   * @param {string} options.url of the WebSocket
   * @param {string[]} options.transports those that the server offers
   * @param {(fresh: boolean) => Promise<string>} options.token
   * @param {() => boolean} options.available whether the operator counts as online
   * @param {(frame: Frame) => void} options.onFrame
   * @param {(state: ConnectionState) => void} options.onState
   * @param {(error: unknown) => boolean} options.isSignedOut
   */
  constructor({ api, url, transports, token, available, onFrame, onState, isSignedOut }) {
    this.api = api;
    this.token = token;
    this.available = available;
    this.onFrame = onFrame;
    this.onState = onState;
    this.isSignedOut = isSignedOut;
    /** @type {ConnectionState} */
    this.state = 'connecting';
    /** @type {string | null} */
    this.cursor = null;
    /** @type {Set<string>} */
    this.seen = new Set();
    /** Another tab of the same operator is another client. */
    this.client = Math.random().toString(36).slice(2) + Date.now().toString(36);
    this.hasSocket = transports.includes('websocket');
    this.canPoll = transports.includes('poll') || !this.hasSocket;
    /** Whether the last poll was answered. */
    this.polls = false;
    this.signedIn = false;
    /** Who was online, by the last answer. */
    this.presence = '';
    this.patience = 0;
    this.socket = new Socket({
      url,
      token,
      available,
      isSignedOut,
      cursor: () => this.cursor,
      longestWait: () => (this.polls ? PATIENT_WAIT : 0),
      onFrame: (frame) => this.receive(frame),
      onState: (state) => this.socketChanged(state),
    });
    this.poller = new Poller({
      ask: () => this.ask(),
      leave: () => api.tell('DELETE', '/updates', { client: this.client }),
      onAnswer: (answer) => this.answered(answer),
      onFailure: (error) => this.notAnswered(error),
    });
  }

  /** Connect, and stay connected. */
  start() {
    if (this.hasSocket) void this.socket.start();
    if (!this.hasSocket) this.poll();
    else this.patience = window.setTimeout(() => this.poll(), SOCKET_WITHIN);
  }

  /** Try again at once: the network is back, or the page is visible again. */
  hurry() {
    if (this.state === 'signed out') return;
    if (this.hasSocket) this.socket.hurry();
    this.poller.hurry();
  }

  /** The page is being left, perhaps for good. */
  pause() {
    if (this.poller.running) this.poller.leave();
  }

  /** Close it for good. */
  stop() {
    clearTimeout(this.patience);
    this.socket.stop();
    this.poller.stop();
  }

  /**
   * Send a frame if there is a connection. Typing and presence may get lost.
   *
   * @param {Frame} frame
   * @returns {boolean} whether it was sent
   */
  send(frame) {
    if (this.socket.send(frame)) return true;
    if (!this.polls) return false;
    // Each poll tells whether the operator is available.
    if (frame.type === 'available') this.poller.hurry();
    else if (frame.type === 'typing') {
      const path = `/sessions/${encodeURIComponent(frame.sessionId)}/typing`;
      this.api.call('POST', path, { body: { isTyping: frame.isTyping } }).catch(() => {});
    }
    return true;
  }

  /** @param {string} token */
  renew(token) {
    this.socket.renew(token);
  }

  // The socket

  /** @param {import('./socket.js').SocketState} state */
  socketChanged(state) {
    clearTimeout(this.patience);
    if (state === 'signed out') this.signedOut();
    else if (state === 'open') {
      this.poller.stop();
      this.polls = false;
      this.presence = '';
      this.tell('open');
    } else if (!this.poller.running && this.canPoll) this.poll();
    else if (!this.canPoll || this.poller.failures) this.tell('lost');
  }

  // Polling

  poll() {
    if (!this.canPoll || this.state === 'signed out') return;
    // A request that is not answered says nothing for long.
    this.patience = window.setTimeout(() => this.tell('lost'), ANSWER_WITHIN);
    this.poller.start();
  }

  /** @returns {Promise<import('./poller.js').Answer>} */
  async ask() {
    if (!this.signedIn) await this.token(false);
    this.signedIn = true;
    return this.api.call('GET', '/updates', {
      query: { after: this.cursor ?? undefined, client: this.client, available: this.available() },
    });
  }

  /** @param {import('./poller.js').Answer} answer */
  answered({ frames, cursor, online, operators }) {
    clearTimeout(this.patience);
    this.polls = true;
    for (const frame of frames) {
      try {
        this.receive(frame);
      } catch (error) {
        // One that can't be shown must not hold up all that follows.
        reportError(error);
      }
    }
    this.cursor = cursor;
    const presence = JSON.stringify([online, operators]);
    if (presence !== this.presence) this.onFrame({ type: 'presence', online, operators });
    this.presence = presence;
    this.tell('open');
  }

  /** @param {unknown} error */
  notAnswered(error) {
    clearTimeout(this.patience);
    this.polls = false;
    if (this.isSignedOut(error)) return this.signedOut();
    if (error instanceof Refused && error.code === 'TRANSPORT_UNSUPPORTED') {
      this.canPoll = false;
      this.poller.stop();
    }
    this.tell('lost');
  }

  // Both

  /** @param {Frame} frame */
  receive(frame) {
    if (frame.type === 'auth.ok') this.cursor ??= frame.cursor;
    if (frame.id !== undefined && this.known(frame.id)) return;
    this.onFrame(frame);
    if (frame.cursor && frame.type !== 'auth.ok') this.cursor = frame.cursor;
  }

  /** @param {string} id */
  known(id) {
    if (this.seen.has(id)) return true;
    this.seen.add(id);
    if (this.seen.size > REMEMBERED) this.seen.delete(/** @type {string} */ (this.seen.values().next().value));
    return false;
  }

  signedOut() {
    this.stop();
    this.tell('signed out');
  }

  /**
   * Tell of a new state, and of each attempt that failed: what was impossible after one may work after the next.
   *
   * @param {ConnectionState} state
   */
  tell(state) {
    if (this.state === 'signed out' || (this.state === state && state !== 'lost')) return;
    this.state = state;
    this.onState(state);
  }
}
