/** Timers by name: setting one again puts it off. */

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
