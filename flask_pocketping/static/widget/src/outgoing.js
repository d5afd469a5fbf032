/** The visitor's own messages: shown at once, sent in order, and settled when the server has them. */

import { Outbox } from './outbox.js';
import { backOff } from './request.js';

/** @typedef {import('./chat.js').Chat} Chat */

export class Outgoing {
  #chat;
  #outbox;
  /**
   * Those who wait for a message to be sent, by its clientId.
   * @type {Map<string, (error?: string, sent?: WidgetSent) => void>}
   */
  #promised = new Map();
  /** Why the server wants to be asked later, and for which message. @type {{clientId?: string, reason?: string}} */
  #pause = {};
  /** When the last message was written. */
  #written = 0;

  /** @param {Chat} chat */
  constructor(chat) {
    this.#chat = chat;
    const onDone = (/** @type {WidgetEntry} */ entry, /** @type {WidgetSent | undefined} */ sent) => {
      chat.tabs.tell('sent', { entry, sent });
      this.settle(entry, sent);
    };
    this.#outbox = new Outbox(chat.storage, (entry) => this.#deliver(entry), onDone, backOff);
  }

  /** What those say that are on their way. */
  get texts() {
    return this.#outbox.waiting.map(({ content }) => content);
  }

  /**
   * Send a message, now or as soon as there is a connection.
   * @param {string} content
   * @param {Partial<WidgetEntry>} [more]
   * @returns {Promise<WidgetSent>}
   */
  send(content, more) {
    this.#written = Math.max(Date.now(), this.#written + 1);
    const clientId = crypto.getRandomValues(new Uint32Array(4)).join('-');
    const sent = new Promise((resolve, reject) => {
      this.#promised.set(clientId, (error, sent) => (sent ? resolve(sent) : reject(Error(error))));
    });
    sent.catch(() => {});
    const after = this.#chat.store.messages.findLast(({ seq }) => seq)?.seq;
    this.#post({ ...more, clientId, content, at: this.#written, after });
    return sent;
  }

  /** Send one again that was refused. @param {string} [clientId] @param {string} [content] if it was changed */
  retry(clientId, content) {
    const entry = this.#outbox.entries.find((one) => one.clientId === clientId);
    if (entry) this.#post({ ...entry, content: content ?? entry.content, error: undefined });
    return true;
  }

  /** @param {string} clientId */
  remove(clientId) {
    this.#outbox.remove(clientId);
    this.#chat.store.remove(clientId);
    this.show();
  }

  /** Another tab has a new message. @param {WidgetEntry} entry */
  heard(entry) {
    if (this.#chat.tabs.leads) {
      this.#outbox.put(entry);
      this.#outbox.flush();
    }
    this.show();
  }

  /** Those that were written in this page. @returns {WidgetEntry[]} */
  get own() {
    return this.#outbox.entries.filter(({ clientId }) => this.#promised.has(clientId));
  }

  /** @param {WidgetEntry[]} entries */
  keep(entries) {
    for (const entry of entries) this.#outbox.put(entry);
  }

  /** Send what waits, if this tab sends for all. */
  flush() {
    this.#outbox.flush();
  }

  stop() {
    this.#outbox.stop();
  }

  /** Nobody may learn any more what becomes of them. */
  forget() {
    this.#promised.clear();
  }

  /** Show those that are not sent yet. */
  show() {
    const chat = this.#chat;
    const shown = chat.visitor.unsure ? this.own : this.#outbox.entries;
    const changed = shown.flatMap(({ at, error, ...entry }) =>
      chat.store.receive({
        ...entry,
        id: entry.clientId,
        sender: 'visitor',
        timestamp: new Date(at).toISOString(),
        status: error ? 'failed' : 'sending',
        error: error ?? (this.#pause.clientId === entry.clientId ? this.#pause.reason : undefined),
      }),
    );
    chat.show(changed);
  }

  /** A message was sent, or refused. @param {WidgetEntry} entry @param {WidgetSent} [sent] */
  settle(entry, sent) {
    const chat = this.#chat;
    const { clientId, error } = entry;
    this.#promised.get(clientId)?.(error, sent);
    this.#promised.delete(clientId);
    // What another tab did to the storage may be seen here a little later.
    if (sent) {
      this.#outbox.remove(clientId);
      chat.show(chat.store.settle(clientId, sent));
    } else {
      this.#outbox.put(entry);
      this.show();
    }
    chat.show(chat.store.release(this.texts));
  }

  /** @param {WidgetEntry} entry */
  #post(entry) {
    const { tabs } = this.#chat;
    this.#outbox.put(entry);
    this.show();
    tabs.tell('outbox', entry);
    if (tabs.leads) this.#outbox.flush();
  }

  /** @param {WidgetEntry} entry @returns {Promise<WidgetSent | undefined>} nothing: it was forgotten meanwhile */
  async #deliver({ clientId, content, replyTo, attachments }) {
    const { connection } = this.#chat;
    const paused = this.#pause.clientId;
    this.#pause = {};
    if (paused) this.show();
    try {
      await connection.connect(true);
      if (!this.#outbox.has(clientId)) return;
      const attachmentIds = attachments?.map(({ id }) => id);
      return await connection.call('POST', '/message', { clientId, content, replyTo, attachmentIds });
    } catch (/** @type {any} */ error) {
      if (error.code === 'SESSION_NOT_FOUND') connection.connected = false;
      error.message = this.#chat.explain(error);
      if (error.status === 429) {
        this.#pause = { clientId, reason: error.message };
        this.show();
      }
      throw error;
    }
  }
}
