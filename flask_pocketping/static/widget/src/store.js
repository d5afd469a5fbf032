/** The messages of the conversation, in their order. It needs no page. */

/**
 * Tell whether the other side wrote a message. Nobody wrote the line that the conversation was closed or reopened.
 * @param {WidgetMessage} message
 */
export const isTheirs = ({ sender, metadata }) => sender !== 'visitor' && !metadata?.kind;

/**
 * Where a message stands. What is on its way stands last; what was refused stays where it was written.
 * @param {WidgetMessage} message
 */
const rank = ({ seq, status, after = 0 }) => seq ?? (status === 'failed' ? after + 0.5 : Infinity);

/** Keeps each message once, however often it arrives. */
export class Store {
  /** @type {WidgetMessage[]} */
  messages = [];
  /** @type {Map<string, WidgetMessage>} */
  #byId = new Map();
  /** @type {WidgetMessage[]} */
  #held = [];

  /** @param {string} id */
  get(id) {
    return this.#byId.get(id);
  }

  /**
   * Take in a message, new or changed.
   * @param {WidgetMessage} message
   * @param {string[]} [unsent] the texts of own messages on their way: an unknown message may be one of them
   * @returns {WidgetMessage[]} the messages that changed
   */
  receive(message, unsent = []) {
    const known = this.get(message.id);
    if (!known && message.sender === 'visitor' && unsent.includes(message.content)) {
      this.#held.push(message);
      return [];
    }
    const taken = Object.assign(known ?? message, message);
    this.#byId.set(taken.id, taken);
    this.#place(taken);
    return [taken];
  }

  /**
   * The server confirmed an own message: it gets the server's id.
   * @param {string} clientId
   * @param {WidgetSent} sent
   */
  settle(clientId, { messageId: id, ...answer }) {
    const message = this.get(clientId);
    if (!message) return [];
    const twin = this.remove(id);
    this.#byId.delete(clientId);
    return this.receive(Object.assign(message, { status: 'sent' }, twin, answer, { id }));
  }

  /** Show the own messages that were held back, unless they may still be on their way. @param {string[]} unsent */
  release(unsent) {
    return this.#held.splice(0).flatMap((message) => this.receive(message, unsent));
  }

  /** @param {string} id */
  remove(id) {
    const message = this.get(id);
    this.#byId.delete(id);
    if (message) this.messages.splice(this.messages.indexOf(message), 1);
    return message;
  }

  /**
   * Apply a frame about messages.
   * @param {WidgetFrame} frame
   * @param {string[]} [unsent]
   * @returns {WidgetMessage[]} the messages that changed
   */
  apply({ type, data }, unsent) {
    if (type === 'message') return this.receive(data, unsent);
    const { messageId, messageIds = [messageId], ...change } = data;
    if (type === 'message_deleted') Object.assign(change, { content: '', attachments: [] });
    else if (type !== 'read' && type !== 'message_edited') return [];
    const meant = [...this.messages, ...this.#held].filter(({ id }) => messageIds.includes(id));
    for (const message of meant) Object.assign(message, change);
    return meant;
  }

  /** Return the messages that the visitor has not read yet. */
  unread() {
    return this.messages.filter((message) => isTheirs(message) && message.status !== 'read' && !message.deletedAt);
  }

  /**
   * Insert a message by its rank; those of one rank stand in the order in which they came.
   * @param {WidgetMessage} message
   */
  #place(message) {
    const { messages } = this;
    const own = rank(message);
    const at = messages.indexOf(message);
    if (at >= 0 && own === Infinity) return;
    if (at >= 0) messages.splice(at, 1);
    let place = messages.length;
    while (place && rank(messages[place - 1]) > own) place--;
    messages.splice(place, 0, message);
  }
}
