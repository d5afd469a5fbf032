/** The messages of the conversations that were opened, each in its latest state. */

import { insertionIndex } from './sorted.js';

/** @typedef {import('../types.js').Message} Message */
/** @typedef {import('../types.js').Note} Note */

/**
 * @typedef {object} Conversation
 * @property {Message[]} messages by seq
 * @property {Map<string, Message>} byId
 * @property {Map<string, (message: Message) => Message>} early changes of messages that no page has brought yet
 * @property {Map<string, Note>} notes
 * @property {boolean} hasMore whether the server has older ones
 * @property {boolean} loaded
 */

const CONVERSATIONS_KEPT = 30;
const STATUS_ORDER = { sent: 0, delivered: 1, read: 2 };

export class Conversations {
  /** @type {Map<string, Conversation>} */
  #bySession = new Map();

  /** @param {string} sessionId */
  get(sessionId) {
    return this.#bySession.get(sessionId);
  }

  /**
   * Return the conversation of a session, and begin an empty one if there is none. The least recently opened ones are
   * forgotten.
   *
   * @param {string} sessionId
   * @returns {Conversation}
   */
  open(sessionId) {
    let found = this.#bySession.get(sessionId);
    if (!found) {
      found = { messages: [], byId: new Map(), early: new Map(), notes: new Map(), hasMore: false, loaded: false };
      const [oldest] = this.#bySession.keys();
      if (oldest !== undefined && this.#bySession.size >= CONVERSATIONS_KEPT) this.#bySession.delete(oldest);
    }
    this.#bySession.delete(sessionId);
    this.#bySession.set(sessionId, found);
    return found;
  }

  clear() {
    this.#bySession.clear();
  }
}

/**
 * Insert a message by its seq, or update the one that is there.
 *
 * @param {Conversation} conversation
 * @param {Message} message
 */
export function insertMessage({ messages, byId, early }, message) {
  const known = byId.get(message.id) ?? early.get(message.id)?.(message);
  const index = insertionIndex(messages, message, (a, b) => a.seq - b.seq);
  const state = known ? laterState(message, known) : message;
  messages.splice(index, byId.has(message.id) ? 1 : 0, state);
  byId.set(message.id, state);
  early.delete(message.id);
}

/**
 * Change a message. If it is not there yet, the change is kept: its page may be on the way, read before the change.
 *
 * @param {Conversation} conversation
 * @param {string} id
 * @param {(message: Message) => Message} change
 * @returns {Message | undefined} the message as it was
 */
export function changeMessage(conversation, id, change) {
  const known = conversation.byId.get(id);
  if (known) insertMessage(conversation, change(known));
  else {
    const before = conversation.early.get(id) ?? ((message) => message);
    conversation.early.set(id, (message) => laterState(change(before(message)), before(message)));
  }
  return known;
}

/**
 * Return the later one of two states of one message.
 *
 * @param {Message} a
 * @param {Message} b
 */
export function laterState(a, b) {
  if (Boolean(a.deletedAt) !== Boolean(b.deletedAt)) return a.deletedAt ? a : b;
  const text = (a.editedAt ?? '') > (b.editedAt ?? '') ? a : b;
  const receipt = STATUS_ORDER[a.status] > STATUS_ORDER[b.status] ? a : b;
  if (text === receipt) return text;
  return { ...text, status: receipt.status, deliveredAt: receipt.deliveredAt, readAt: receipt.readAt };
}
