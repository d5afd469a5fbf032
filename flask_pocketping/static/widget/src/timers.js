/** Timers by name: setting one again puts it off. */

/** Milliseconds for which a problem, thanks, or that somebody is typing, is shown. */
export const A_WHILE = 6000;

export class Timers {
  /** @type {Record<string, number>} */
  #running = {};

  /** @param {string} name @param {() => void} action @param {number} wait milliseconds */
  later(name, action, wait) {
    clearTimeout(this.#running[name]);
    this.#running[name] = setTimeout(action, wait);
  }

  stop() {
    Object.values(this.#running).forEach(clearTimeout);
  }
}
