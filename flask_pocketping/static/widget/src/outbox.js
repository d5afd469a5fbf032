/** Keeps and sends the messages that the server does not have yet. It needs no page. */

const PREFIX = 'out:';

/** What the visitor wrote and the server does not have yet: kept over reloads, sent in order, each once. */
export class Outbox {
  #busy = false;
  #timer = 0;
  /** The attempts that have failed since the last success. */
  #tries = 0;
  #storage;
  #send;
  #onDone;
  #backOff;

  /**
   * @param {WidgetStorage} storage
   * @param {(entry: WidgetEntry) => Promise<WidgetSent | undefined>} send answers nothing if the entry is gone
   * @param {(entry: WidgetEntry, sent?: WidgetSent) => void} onDone an entry was sent, or refused
   * @param {(tries: number) => number} backOff
   */
  constructor(storage, send, onDone, backOff) {
    this.#storage = storage;
    this.#send = send;
    this.#onDone = onDone;
    this.#backOff = backOff;
  }

  /** All entries in the order in which they were written. @returns {WidgetEntry[]} */
  get entries() {
    const entries = this.#storage.keys(PREFIX).map((key) => this.#storage.get(key));
    return entries.filter(Boolean).sort((one, other) => one.at - other.at);
  }

  /** Those that are on their way, not those that were refused. */
  get waiting() {
    return this.entries.filter(({ error }) => !error);
  }

  /** @param {WidgetEntry} entry new, or one that was refused and gets another try */
  put(entry) {
    this.#storage.set(PREFIX + entry.clientId, entry);
  }

  /** @param {string} clientId */
  has(clientId) {
    return Boolean(this.#storage.get(PREFIX + clientId));
  }

  /** @param {string} clientId */
  remove(clientId) {
    this.#storage.remove(PREFIX + clientId);
  }

  /**
   * Send what waits, one after the other, because it may work now.
   * @param {number} [tries] that have failed so far
   */
  async flush(tries = 0) {
    this.#tries = tries;
    if (this.#busy) return;
    this.stop();
    this.#busy = true;
    try {
      for (let [entry] = this.waiting; entry; [entry] = this.waiting) {
        await this.#deliver(entry);
        this.#tries = 0;
      }
    } catch (error) {
      const wait = /** @type {any} */ (error).wait || this.#backOff(this.#tries);
      this.#timer = setTimeout(() => this.flush(this.#tries + 1), wait);
    }
    this.#busy = false;
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /** @param {WidgetEntry} entry */
  async #deliver(entry) {
    try {
      const sent = await this.#send(entry);
      if (!sent) return;
      this.remove(entry.clientId);
      this.#onDone(entry, sent);
    } catch (problem) {
      const { message: error, passes, code } = /** @type {any} */ (problem);
      if (passes !== false || code === 'SESSION_NOT_FOUND') throw problem;
      const refused = { ...entry, error, fix: /INVALID|LARGE/.test(code) };
      this.put(refused);
      this.#onDone(refused);
    }
  }
}
