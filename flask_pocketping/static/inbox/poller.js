/** Polls the server for events while there is no WebSocket. */

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
    /** Whether to poll again as soon as the present request is done. */
    this.again = false;
    this.failures = 0;
    this.cancel = () => {};
  }

  /** Poll at once, and keep polling. */
  start() {
    if (this.running) return;
    this.running = true;
    this.failures = 0;
    void this.poll();
  }

  /** Poll at once, because there is something to tell, or the network may be back. */
  hurry() {
    if (this.running) void this.poll();
  }

  /** Stop polling, and ignore an answer that is on its way. */
  stop() {
    if (!this.running) return;
    this.running = false;
    this.cancel();
    // A request that is still on its way would make the server count the client as connected again.
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
    // Clients that lost the same server do not all come back at the same moment.
    return Math.max(wait * (0.5 + Math.random() / 2), 1000 * (problem?.retryAfter ?? 0));
  }
}
