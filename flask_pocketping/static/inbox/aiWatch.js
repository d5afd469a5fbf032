/**
 * Asks what the AI did in the open conversation: when it is opened, after events that may have changed it, and from time
 * to time while something waits, because polling brings no event of a draft that another operator has dropped.
 */

/** @typedef {import('./types.js').Frame} Frame */

/** Milliseconds in which events gather. */
const GATHER = 150;
/** Milliseconds between two questions while something waits: while the page is seen, and in the background. */
const EVERY = 5000;
const EVERY_HIDDEN = 30_000;
/** The frames after which drafts, calls or answers may be others. */
const TELLING = ['ai_draft', 'ai_action', 'ai.toggled', 'ai.takeover', 'session.closed', 'session.reopened'];

export class AIWatch {
  /**
   * @param {object} options
   * @param {import('./store/store.js').Store} options.store
   * @param {import('./api.js').Api} options.api
   * @param {() => string} options.openSession the id of the session that is shown, '' if none is
   * @param {(error: unknown, options: {quiet: boolean}) => void} options.failed
   */
  constructor({ store, api, openSession, failed }) {
    this.store = store;
    this.api = api;
    this.openSession = openSession;
    this.failed = failed;
    this.timer = 0;
    /** The milliseconds for which the timer was set. */
    this.wait = 0;
    /** Whether a question is on its way, and whether to ask again after it. */
    this.asking = false;
    this.again = false;
    /** Whether the answers of the AI may be others, too. */
    this.all = false;
  }

  /** @param {Frame} frame */
  receive({ type, sessionId, message }) {
    const tells = TELLING.includes(type) || (type === 'message.created' && message.type !== 'visitor');
    if (tells && sessionId === this.openSession()) this.soon();
  }

  /** Ask in a moment, for everything. */
  soon() {
    this.all = true;
    this.#plan(GATHER);
  }

  /** @param {number} wait */
  #plan(wait) {
    // Many events in a row do not put it off.
    if (!this.store.capabilities.ai || (this.timer && this.wait <= wait)) return;
    clearTimeout(this.timer);
    this.wait = wait;
    this.timer = window.setTimeout(() => void this.ask(), wait);
  }

  /** Ask now. */
  async ask() {
    clearTimeout(this.timer);
    this.timer = 0;
    const sessionId = this.openSession();
    this.again = this.asking;
    if (this.asking || !sessionId) return;
    this.asking = true;
    const { all } = this;
    this.all = false;
    try {
      await this.#load(sessionId, all);
    } catch (error) {
      this.failed(error, { quiet: true });
    }
    this.asking = false;
    if (this.again || sessionId !== this.openSession()) this.soon();
    else if (this.store.ai.waits(sessionId)) this.#plan(document.visibilityState === 'hidden' ? EVERY_HIDDEN : EVERY);
  }

  /**
   * @param {string} sessionId
   * @param {boolean} all whether to load its answers and what was used today, too
   */
  async #load(sessionId, all) {
    const path = `/sessions/${encodeURIComponent(sessionId)}/ai`;
    const since = this.store.moment;
    const get = (/** @type {string} */ address, query = {}) => this.api.call('GET', address, { query });
    const [{ drafts }, { actions }, found, status] = await Promise.all([
      get(`${path}/drafts`),
      get(`${path}/actions`),
      all ? get(`${path}/answers`, { limit: 100 }) : null,
      all ? get('/ai') : null,
    ]);
    this.store.ai.take(sessionId, { drafts, actions, answers: found?.answers }, since);
    if (status) this.store.ai.takeStatus(status);
  }
}
