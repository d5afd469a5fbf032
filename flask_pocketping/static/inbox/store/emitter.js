/** Topics that the views listen to. */

export class Emitter {
  /** @type {Map<string, Set<(detail?: any) => void>>} */
  #listeners = new Map();

  /**
   * Listen to a topic.
   *
   * @param {string} topic
   * @param {(detail?: any) => void} listener
   * @returns {() => void} stops listening
   */
  on(topic, listener) {
    const found = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, found.add(listener));
    return () => found.delete(listener);
  }

  /**
   * Call the listeners of a topic.
   *
   * @param {string} topic
   * @param {unknown} [detail]
   */
  emit(topic, detail) {
    for (const listener of this.#listeners.get(topic) ?? []) listener(detail);
  }
}

/** @typedef {(topic: string, detail?: unknown) => void} Emit */
