/** Tells the server, for many messages at once, which have arrived and which were read. */

/** @typedef {import('./chat.js').Chat} Chat */

/** Milliseconds in which receipts gather. */
const GATHER = 300;
/** The server takes so many at once. */
const MOST = 500;

export class Receipts {
  #chat;
  #timer = 0;

  /** @param {Chat} chat */
  constructor(chat) {
    this.#chat = chat;
  }

  plan() {
    this.#timer ||= setTimeout(() => this.#send(), GATHER);
  }

  stop() {
    clearTimeout(this.#timer);
  }

  async #send() {
    this.#timer = 0;
    const { connection, reading, store, tabs } = this.#chat;
    const status = reading ? 'read' : 'delivered';
    const untold = store.unread().filter((message) => message.status !== status);
    const messageIds = untold.map(({ id }) => id).slice(0, MOST);
    if (!messageIds.length || !connection.connected || !(reading || tabs.leads)) return;
    await connection.beacon('/read', { messageIds, status });
    this.#chat.apply({ type: 'read', data: { messageIds, status } });
  }
}
