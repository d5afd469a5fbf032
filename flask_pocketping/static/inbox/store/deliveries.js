/** What became of messages on the bridges to chat apps, and where their conversation is there. */

/** @typedef {import('../types.js').Delivery} Delivery */
/** @typedef {import('../types.js').Message} Message */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').BridgeThread} BridgeThread */
/** @typedef {import('../types.js').Claim} Claim */

/**
 * @typedef {object} Known what is known of a message
 * @property {readonly Delivery[] | null} states null: the server has not told yet
 * @property {number} moment when it was told
 *
 * @typedef {object} OnBridges a conversation on the bridges
 * @property {Map<string, Known>} messages
 * @property {BridgeThread[]} threads
 * @property {Claim | null} claim
 */

/** @type {readonly Delivery[]} */
const NONE = Object.freeze([]);

export class Deliveries {
  /** The bridges that are set up. @type {string[]} */
  bridges = [];

  /**
   * @param {import('./messages.js').Conversations} conversations
   * @param {(topic: 'session' | 'conversation', sessionId: string) => void} emit
   * @param {(sessionId: string) => void} onThreadMissing there is a thread that the inbox does not know
   */
  constructor(conversations, emit, onThreadMissing) {
    this.conversations = conversations;
    this.emit = emit;
    this.onThreadMissing = onThreadMissing;
  }

  /**
   * Return what became of a message on each bridge, as far as it is known.
   *
   * @param {Pick<Message, 'id' | 'sessionId'>} message
   */
  of({ id, sessionId }) {
    return this.conversations.get(sessionId)?.onBridges.messages.get(id)?.states ?? NONE;
  }

  /**
   * Return where a conversation is on bridges, and who has it.
   *
   * @param {string} sessionId
   * @returns {{threads: BridgeThread[], claim: Claim | null}}
   */
  place(sessionId) {
    return this.conversations.get(sessionId)?.onBridges ?? { threads: [], claim: null };
  }

  /**
   * Count a conversation's messages on a bridge by what became of them.
   *
   * @param {string} sessionId
   * @param {string} bridge
   */
  count(sessionId, bridge) {
    const count = { queued: 0, sent: 0, maybe: 0, failed: 0 };
    for (const { states } of this.conversations.get(sessionId)?.onBridges.messages.values() ?? [])
      for (const one of states ?? NONE) if (one.bridge === bridge) count[one.state] += 1;
    return count;
  }

  /**
   * Return the seq of the first message that waits, or of which nothing is known yet.
   *
   * @param {string} sessionId
   */
  firstUnsettled(sessionId) {
    const conversation = this.conversations.get(sessionId);
    const waits = (/** @type {Message} */ { id }) => {
      const known = conversation?.onBridges.messages.get(id);
      return known && (known.states?.some(({ state }) => state === 'queued') ?? true);
    };
    return conversation?.messages.find(waits)?.seq ?? null;
  }

  /**
   * Expect to be told of a new message.
   *
   * @param {Message} message
   * @param {number} moment
   */
  expect({ id, sessionId, kind }, moment) {
    const known = this.conversations.get(sessionId)?.onBridges.messages;
    if (!this.bridges.length || kind || !known || known.has(id)) return;
    known.set(id, { states: null, moment });
  }

  /**
   * Take the states that a page of messages has.
   *
   * @param {string} sessionId
   * @param {Message[]} messages
   * @param {number} since the `moment` when it was asked for
   */
  takePage(sessionId, messages, since) {
    for (const { id, deliveries = NONE } of messages) this.#put(sessionId, id, deliveries, since);
  }

  /**
   * Take the states of one message.
   *
   * @param {string} sessionId
   * @param {string} messageId
   * @param {Delivery[]} states
   * @param {number} moment
   */
  take(sessionId, messageId, states, moment) {
    this.#put(sessionId, messageId, states, moment);
    this.emit('conversation', sessionId);
  }

  /**
   * Take what a session's answer tells of bridges.
   *
   * @param {string} sessionId
   * @param {{threads?: BridgeThread[], claim?: Claim}} answer
   */
  takePlace(sessionId, { threads = [], claim }) {
    const found = this.conversations.get(sessionId)?.onBridges;
    if (!found) return;
    found.threads = threads;
    found.claim = claim ?? null;
    this.emit('session', sessionId);
  }

  /**
   * @param {string} sessionId
   * @param {string} messageId
   * @param {readonly Delivery[]} states
   * @param {number} moment
   */
  #put(sessionId, messageId, states, moment) {
    const found = this.conversations.get(sessionId)?.onBridges;
    const known = found?.messages.get(messageId);
    if (!found || (known ? known.moment > moment : !states.length)) return;
    const same = JSON.stringify(known?.states) === JSON.stringify(states);
    found.messages.set(messageId, { states: same && known ? known.states : states, moment });
    const missing = states.some(
      ({ bridge, state }) =>
        state === 'sent' && this.bridges.includes(bridge) && !found.threads.some((thread) => thread.bridge === bridge),
    );
    if (missing) this.onThreadMissing(sessionId);
    if (!same) this.emit('session', sessionId);
  }
}
