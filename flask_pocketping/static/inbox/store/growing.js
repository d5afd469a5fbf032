/** The answers of the AI that are still being written. */

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Message} Message */

/** Milliseconds after which an answer that does not go on growing is given up. */
const STALLED = 15_000;
/** Milliseconds in which the message follows the end of its answer. */
const SOON = 2000;

export class Growing {
  /** @type {Map<string, {streamId: string, text: string, until: number}>} */
  #bySession = new Map();
  /** The last answer of each session that became a message. @type {Map<string, string>} */
  #stored = new Map();
  #emit;

  /** @param {import('./emitter.js').Emit} emit */
  constructor(emit) {
    this.#emit = emit;
  }

  /**
   * Apply a `message_stream` frame.
   *
   * @param {Frame} frame
   */
  apply({ sessionId, streamId, text, done }) {
    if (this.#stored.get(sessionId) === streamId) return;
    const known = this.#bySession.get(sessionId);
    if (done && !known) return;
    const shown = done && known ? known.text : text;
    this.#bySession.set(sessionId, { streamId, text: shown, until: Date.now() + (done ? SOON : STALLED) });
    this.#emit('growing', sessionId);
  }

  /**
   * Return the text so far, '' if no answer is being written.
   *
   * @param {string} sessionId
   */
  of(sessionId) {
    return this.#bySession.get(sessionId)?.text ?? '';
  }

  /** Forget the answers that have ended without a message. The app calls this once a second. */
  expire() {
    for (const [sessionId, { until }] of this.#bySession) if (until <= Date.now()) this.#drop(sessionId);
  }

  /**
   * A message arrived: if it is the AI's, it takes the place of what was growing.
   *
   * @param {Message} message
   */
  stop({ sessionId, type }) {
    const known = this.#bySession.get(sessionId);
    if (type !== 'ai' || !known) return;
    this.#stored.set(sessionId, known.streamId);
    this.#drop(sessionId);
  }

  /** @param {string} sessionId */
  #drop(sessionId) {
    this.#bySession.delete(sessionId);
    this.#emit('growing', sessionId);
  }
}
