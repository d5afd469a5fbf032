/** The messages of the conversations that were opened, each in its latest state. */

import { noWork } from './ai.js';
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
 * @property {number | null} gapAfter while an older part is shown, the seq of its last message: those between it and the
 *   newest are not loaded; null: nothing is missing
 * @property {boolean} loaded
 * @property {import('./deliveries.js').OnBridges} onBridges
 * @property {import('./ai.js').AIWork} ai
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
      found = {
        messages: [],
        byId: new Map(),
        early: new Map(),
        notes: new Map(),
        hasMore: false,
        gapAfter: null,
        loaded: false,
        onBridges: { messages: new Map(), threads: [], claim: null },
        ai: noWork(),
      };
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

  /**
   * Tell whether a message is among those that are shown. One of the newest part ends the view of an older part.
   *
   * @param {string} sessionId
   * @param {string} id
   */
  reveal(sessionId, id) {
    const conversation = this.get(sessionId);
    const message = conversation?.byId.get(id);
    if (!conversation || !message) return false;
    if (conversation.gapAfter !== null && message.seq > conversation.gapAfter) forgetOlderPart(conversation);
    return true;
  }

  /**
   * End the view of an older part.
   *
   * @param {string} sessionId
   */
  forgetOlderPart(sessionId) {
    const conversation = this.get(sessionId);
    if (conversation) forgetOlderPart(conversation);
  }

  /**
   * Forget the oldest messages of a long conversation; the server has them.
   *
   * @param {string} sessionId
   * @param {number} most up to which nothing is forgotten
   * @param {number} kept how many are left
   */
  trim(sessionId, most, kept) {
    const conversation = this.get(sessionId);
    if (!conversation || conversation.gapAfter !== null || conversation.messages.length <= most) return;
    forget(conversation, conversation.messages.length - kept);
  }
}

/**
 * Return the messages that are shown: all, or those of an older part.
 *
 * @param {Conversation} conversation
 */
export function shownMessages({ messages, gapAfter }) {
  return gapAfter === null ? messages : messages.filter(({ seq }) => seq <= gapAfter);
}

/**
 * Insert an older part that was loaded around one message, and show it.
 *
 * @param {Conversation} conversation
 * @param {Message[]} part
 * @param {{hasOlder: boolean, hasNewer: boolean}} more what the server has before it and after it
 */
export function insertPart(conversation, part, { hasOlder, hasNewer }) {
  forgetOlderPart(conversation);
  const [first] = part;
  const oldest = conversation.messages[0]?.seq ?? Infinity;
  if (first && first.seq < oldest) conversation.hasMore = hasOlder;
  extend(conversation, part, oldest, hasNewer);
}

/**
 * Insert what follows the older part that is shown.
 *
 * @param {Conversation} conversation
 * @param {Message[]} page
 * @param {boolean} hasNewer what the server has after it
 */
export function insertNewer(conversation, page, hasNewer) {
  const { messages, gapAfter } = conversation;
  if (gapAfter === null) return;
  const next = messages.find(({ seq }) => seq > gapAfter)?.seq ?? Infinity;
  extend(conversation, page, next, hasNewer);
}

/**
 * @param {Conversation} conversation
 * @param {Message[]} page
 * @param {number} next the seq of the first message of the newest part
 * @param {boolean} hasNewer
 */
function extend(conversation, page, next, hasNewer) {
  for (const message of page) insertMessage(conversation, message);
  const last = page[page.length - 1]?.seq ?? 0;
  conversation.gapAfter = page.length && hasNewer && last < next ? last : null;
}

/** @param {Conversation} conversation */
function forgetOlderPart(conversation) {
  const { gapAfter, messages } = conversation;
  conversation.gapAfter = null;
  if (gapAfter === null) return;
  const count = messages.findIndex(({ seq }) => seq > gapAfter);
  forget(conversation, count === -1 ? messages.length : count);
}

/**
 * @param {Conversation} conversation
 * @param {number} count of the oldest messages
 */
function forget(conversation, count) {
  if (!count) return;
  for (const { id } of conversation.messages.splice(0, count)) {
    conversation.byId.delete(id);
    conversation.onBridges.messages.delete(id);
  }
  conversation.hasMore = true;
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
