/**
 * Tells the server which messages were delivered and which were read. A message counts as read in the open conversation
 * of a page that is visible and has the focus.
 */

/** @typedef {import('./types.js').Message} Message */

/** Milliseconds in which receipts gather. */
const GATHER = 600;
/** Milliseconds until a receipt that failed is tried again. */
const AGAIN = 10_000;
const MOST = 500;

export class Receipts {
  /**
   * @param {import('./store/store.js').Store} store
   * @param {import('./api.js').Api} api
   * @param {() => string} openSession the id of the conversation that stands open
   */
  constructor(store, api, openSession) {
    this.store = store;
    this.api = api;
    this.openSession = openSession;
    /** @type {Map<string, Set<string>>} */
    this.delivered = new Map();
    this.timer = 0;
    this.reading = false;
    /** Whether a message came that the receipt on its way may not cover. */
    this.missed = false;
    store.on('message', (message) => this.arrived(message));
    for (const topic of ['conversation', 'session'])
      store.on(topic, (sessionId) => sessionId === openSession() && this.plan());
    for (const event of ['focus', 'pageshow']) addEventListener(event, () => this.plan());
    document.addEventListener('visibilitychange', () => this.plan());
  }

  /** @param {Message} message */
  arrived(message) {
    const ids = this.delivered.get(message.sessionId) ?? new Set();
    this.delivered.set(message.sessionId, ids.add(message.id));
    this.plan();
  }

  plan() {
    this.timer ||= window.setTimeout(() => {
      this.timer = 0;
      void this.tell();
    }, GATHER);
  }

  async tell() {
    const read = this.readNow();
    if (read) this.delivered.delete(read);
    const delivered = [...this.delivered];
    this.delivered.clear();
    if (read && this.reading) this.missed = true;
    else if (read) await this.markRead(read);
    for (const [sessionId, ids] of delivered) {
      await this.post(sessionId, { status: 'delivered', messageIds: [...ids].slice(-MOST) });
    }
  }

  /** Return the id of the conversation that is being read and has unread messages, or ''. */
  readNow() {
    const sessionId = this.openSession();
    const session = this.store.sessions.get(sessionId);
    const seen = document.visibilityState === 'visible' && document.hasFocus();
    const loaded = this.store.conversations.get(sessionId)?.loaded;
    return session && seen && loaded && session.unread > 0 ? sessionId : '';
  }

  /** @param {string} sessionId */
  async markRead(sessionId) {
    this.reading = true;
    const done = await this.post(sessionId, { status: 'read' });
    this.reading = false;
    if (!done) window.setTimeout(() => this.plan(), AGAIN);
    else if (this.missed) this.plan();
    this.missed = false;
  }

  /**
   * @param {string} sessionId
   * @param {object} body
   * @returns {Promise<boolean>} whether it was sent; if not, the next one covers it, as `unread` stays above zero
   */
  async post(sessionId, body) {
    try {
      await this.api.call('POST', `/sessions/${encodeURIComponent(sessionId)}/read`, { body });
      return true;
    } catch {
      return false;
    }
  }
}
