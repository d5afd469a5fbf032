/**
 * Asks what became of the messages of the open conversation while some wait for a bridge: the events of a socket do not
 * tell how long they wait, and those of polling tell nothing of bridges.
 */

/** Milliseconds until the first question, and at most between two. */
const FIRST = 2000;
const LONGEST = 30_000;

export class DeliveryWatch {
  /**
   * @param {object} options
   * @param {import('./store/store.js').Store} options.store
   * @param {() => string} options.openSession the id of the session that is shown
   * @param {(sessionId: string, seq: number) => Promise<void>} options.load asks for the states from a message on
   */
  constructor({ store, openSession, load }) {
    this.store = store;
    this.openSession = openSession;
    this.load = load;
    this.timer = 0;
    this.wait = FIRST;
    /** What the watch is for: the session, and its newest message. */
    this.watched = '';
    this.asking = false;
    store.on('conversation', (id) => id === openSession() && this.plan());
  }

  /** Ask soon, if something of the open conversation waits. */
  plan() {
    const sessionId = this.openSession();
    const watched = `${sessionId} ${this.store.conversations.get(sessionId)?.messages.at(-1)?.id ?? ''}`;
    if (watched !== this.watched) {
      this.watched = watched;
      // Many messages in a row do not put it off.
      if (this.wait > FIRST) this.stop();
      this.wait = FIRST;
    }
    if (this.timer || this.asking || this.store.deliveries.firstUnsettled(sessionId) === null) return;
    this.timer = window.setTimeout(() => void this.ask(), this.wait);
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = 0;
  }

  async ask() {
    this.timer = 0;
    const sessionId = this.openSession();
    const seq = this.store.deliveries.firstUnsettled(sessionId);
    if (seq === null) return;
    this.wait = Math.min(this.wait * 1.5, LONGEST);
    this.asking = true;
    await this.load(sessionId, seq);
    this.asking = false;
    this.plan();
  }
}
