/** The operator's own messages that the server has not confirmed yet. */

/** @typedef {import('../types.js').Pending} Pending */

export class PendingMessages {
  /** @type {Map<string, Pending[]>} */
  #bySession = new Map();
  #emit;

  /** @param {import('./emitter.js').Emit} emit */
  constructor(emit) {
    this.#emit = emit;
  }

  /**
   * Return the pending messages of a session, in the order in which they were written.
   *
   * @param {string} sessionId
   * @returns {Pending[]}
   */
  of(sessionId) {
    return this.#bySession.get(sessionId) ?? [];
  }

  /** Return the pending messages of all sessions. */
  all() {
    return [...this.#bySession.values()].flat();
  }

  /** @param {Pending} pending */
  add(pending) {
    this.#bySession.set(pending.sessionId, [...this.of(pending.sessionId), pending]);
    this.#changed(pending.sessionId);
  }

  /**
   * @param {Pending} pending
   * @param {Partial<Pending>} change
   */
  change(pending, change) {
    const { sessionId, key } = pending;
    const changed = this.of(sessionId).map((item) => (item.key === key ? { ...item, ...change } : item));
    this.#bySession.set(sessionId, changed);
    this.#changed(sessionId);
  }

  /** @param {Pending} pending */
  drop({ sessionId, key }) {
    const left = this.of(sessionId).filter((item) => item.key !== key);
    if (left.length) this.#bySession.set(sessionId, left);
    else this.#bySession.delete(sessionId);
    this.#changed(sessionId);
  }

  /** @param {string} sessionId */
  #changed(sessionId) {
    this.#emit('pending', sessionId);
    this.#emit('conversation', sessionId);
  }
}
