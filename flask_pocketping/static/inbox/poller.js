/** Asks the server for what is new, again and again, while no WebSocket brings it. */

import { later } from './timers.js';

/** Milliseconds between an answer and the next request: while the page is seen, and in the background. */
const EVERY = 2000;
const EVERY_HIDDEN = 8000;
/** Milliseconds until a request that failed is tried again: at first, and at most. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 15_000;

/**
 * @typedef {object} Answer what `GET /updates` returns
 * @property {import('./types.js').Frame[]} frames
 * @property {string} cursor
 * @property {boolean} hasMore
 * @property {boolean} online
 * @property {import('./types.js').Operator[]} operators
 */

export class Poller {
  /**
   * @param {object} options
   * @param {() => Promise<Answer>} options.ask
   * @param {() => void} options.leave tells the server that no more requests come
   * @param {(answer: Answer) => void} options.onAnswer
   * @param {(error: any) => void} options.onFailure
   */
  constructor({ ask, leave, onAnswer, onFailure }) {
    this.ask = ask;
    this.leave = leave;
    this.onAnswer = onAnswer;
    this.onFailure = onFailure;
    this.running = false;
    this.asking = false;
    /** Whether to ask once more behind the request that is on its way. */
    this.again = false;
    this.failures = 0;
    this.cancel = () => {};
  }

  /** Ask at once, and go on asking. */
  start() {
    if (this.running) return;
    this.running = true;
    this.failures = 0;
    void this.poll();
  }

  /** Ask at once, because there is something to tell or to hope for. */
  hurry() {
    if (this.running) void this.poll();
  }

  /** Ask no more. An answer that is on its way is of no interest. */
  stop() {
    if (!this.running) return;
    this.running = false;
    this.cancel();
    // Behind a request that is on its way the server would count the client as connected again.
    if (!this.asking) this.leave();
  }

  async poll() {
    this.cancel();
    this.again = this.asking;
    if (this.asking) return;
    this.asking = true;
    /** @type {Answer | undefined} */
    let answer;
    /** @type {any} */
    let problem;
    try {
      answer = await this.ask();
    } catch (error) {
      problem = error;
    }
    this.asking = false;
    if (!this.running) return this.leave();
    this.failures = answer ? 0 : this.failures + 1;
    if (answer) this.onAnswer(answer);
    else this.onFailure(problem);
    if (this.running) this.cancel = later(this.pause(answer, problem), () => void this.poll());
  }

  /**
   * Milliseconds until the next request.
   *
   * @param {Answer | undefined} answer
   * @param {any} problem
   */
  pause(answer, problem) {
    if (this.again || answer?.hasMore) return 0;
    if (answer) return document.visibilityState === 'hidden' ? EVERY_HIDDEN : EVERY;
    const wait = Math.min(FIRST_WAIT * 2 ** (this.failures - 1), LONGEST_WAIT);
    // Many clients that lost one server do not come back in one moment.
    return Math.max(wait * (0.5 + Math.random() / 2), 1000 * (problem?.retryAfter ?? 0));
  }
}
