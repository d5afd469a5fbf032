/**
 * Messages on their way to the server: in order within a conversation, tried again under the same key, so that none is
 * lost and none is stored twice.
 */

import { Refused, SignedOut, passes } from './api.js';
import { errorText } from './errors.js';

/** @typedef {import('./types.js').Pending} Pending */

const KEPT = 'pocketping-inbox:outbox';
const LONGEST_WAIT = 15_000;

export class Outbox {
  /**
   * @param {import('./store/store.js').Store} store
   * @param {import('./api.js').Api} api
   * @param {() => void} onSignedOut
   */
  constructor(store, api, onSignedOut) {
    this.store = store;
    this.api = api;
    this.onSignedOut = onSignedOut;
    /** @type {Set<string>} */
    this.busy = new Set();
    this.wait = 1000;
    this.timer = 0;
    /** The storage key of this operator's messages; each operator has an own one. */
    this.place = '';
    store.on('pending', () => this.keep());
  }

  /**
   * Restore what a reload of the page interrupted, once it is known who the operator is.
   *
   * @param {string} [project] whose inbox is open: messages for another one wait until that is
   */
  restore(project = '') {
    this.place = `${KEPT}:${this.store.me?.id}:${project}`;
    for (const pending of this.kept()) {
      this.store.pending.add({ ...pending, state: pending.state === 'failed' ? 'failed' : 'waiting' });
    }
    this.flush();
  }

  /**
   * @param {Pick<Pending, 'sessionId' | 'content' | 'replyTo' | 'attachments'>} message
   */
  send(message) {
    const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    this.store.pending.add({ ...message, key, state: 'sending', createdAt: new Date().toISOString() });
    void this.work(message.sessionId);
  }

  /** @param {Pending} pending */
  retry(pending) {
    this.store.pending.change(pending, { state: 'sending', error: undefined });
    void this.work(pending.sessionId);
  }

  /** Send everything that waits for the connection. */
  flush() {
    clearTimeout(this.timer);
    for (const { sessionId } of this.store.pending.all()) void this.work(sessionId);
  }

  /** Whether leaving the page would interrupt a message. */
  get isBusy() {
    return this.store.pending.all().some(({ state }) => state !== 'failed');
  }

  /** @param {string} sessionId */
  async work(sessionId) {
    if (this.busy.has(sessionId)) return;
    this.busy.add(sessionId);
    try {
      for (let next = this.next(sessionId); next; next = this.next(sessionId)) {
        if (!(await this.deliver(next))) break;
      }
    } finally {
      this.busy.delete(sessionId);
    }
  }

  /** @param {string} sessionId */
  next(sessionId) {
    return this.store.pending.of(sessionId).find(({ state }) => state !== 'failed');
  }

  /**
   * @param {Pending} pending
   * @returns {Promise<boolean>} whether the next one may be sent
   */
  async deliver(pending) {
    if (pending.state !== 'sending') this.store.pending.change(pending, { state: 'sending' });
    const { sessionId, content, replyTo, attachments, key } = pending;
    const body = {
      content,
      ...(replyTo && { replyTo }),
      ...(attachments.length && { attachmentIds: attachments.map(({ id }) => id) }),
    };
    try {
      const { message } = await this.api.call('POST', `/sessions/${encodeURIComponent(sessionId)}/messages`, {
        body,
        key,
      });
      this.store.confirm(pending, message);
      this.wait = 1000;
      return true;
    } catch (error) {
      return this.failed(pending, error);
    }
  }

  /**
   * @param {Pending} pending
   * @param {unknown} error
   */
  failed(pending, error) {
    // The server is still handling the first request of this message.
    const underWay = error instanceof Refused && error.code === 'IDEMPOTENCY_CONFLICT';
    if (passes(error) || underWay || error instanceof SignedOut) {
      this.store.pending.change(pending, { state: 'waiting' });
      if (error instanceof SignedOut) this.onSignedOut();
      else this.later(error instanceof Refused ? error.retryAfter * 1000 : 0);
      return false;
    }
    // The event that looked like this message was another operator's.
    this.store.pending.change(pending, {
      state: 'failed',
      arrivedAs: undefined,
      error: errorText(error),
    });
    return true;
  }

  /** @param {number} atLeast milliseconds */
  later(atLeast) {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.flush(), Math.max(atLeast, this.wait));
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  keep() {
    const all = this.store.pending.all();
    try {
      if (all.length) sessionStorage.setItem(this.place, JSON.stringify(all));
      else sessionStorage.removeItem(this.place);
    } catch {
      // Without storage a reload forgets them, but the browser asks before the page is left.
    }
  }

  /** @returns {Pending[]} */
  kept() {
    try {
      const found = JSON.parse(sessionStorage.getItem(this.place) ?? '[]');
      return Array.isArray(found) ? found : [];
    } catch {
      return [];
    }
  }
}
