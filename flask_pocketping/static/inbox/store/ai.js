/** What the AI did in conversations: its drafts, the calls that wait for a yes, and what it answered. */

/** @typedef {import('../types.js').AIDraft} AIDraft */
/** @typedef {import('../types.js').AIAction} AIAction */
/** @typedef {import('../types.js').AIAnswer} AIAnswer */
/** @typedef {import('../types.js').AISource} AISource */

/**
 * @typedef {object} AIWork the AI in one conversation, all newest first
 * @property {readonly AIDraft[]} drafts
 * @property {readonly AIAction[]} actions
 * @property {readonly AIAnswer[]} answers
 * @property {Map<string, readonly AISource[]>} sources the passages of each message
 * @property {number} moment when it was told
 */

/** @type {readonly never[]} */
const NONE = Object.freeze([]);
/** The states of a call on which something is still to come. */
const OPEN = ['waiting', 'accepted', 'running'];

/** @returns {AIWork} */
export const noWork = () => ({ drafts: NONE, actions: NONE, answers: NONE, sources: new Map(), moment: -1 });

export class AIStore {
  /** What the AI has used today, if known. @type {import('../types.js').AIStatus | null} */
  status = null;

  /**
   * @param {import('./messages.js').Conversations} conversations
   * @param {(topic: 'ai' | 'conversation', sessionId: string) => void} emit
   * @param {() => number} nextMoment
   */
  constructor(conversations, emit, nextMoment) {
    this.conversations = conversations;
    this.emit = emit;
    this.nextMoment = nextMoment;
  }

  /**
   * Return what the AI did in a conversation, as far as it is known.
   *
   * @param {string} sessionId
   * @returns {Pick<AIWork, 'drafts' | 'actions' | 'answers'>}
   */
  of(sessionId) {
    return this.conversations.get(sessionId)?.ai ?? { drafts: NONE, actions: NONE, answers: NONE };
  }

  /**
   * Return the draft that waits for an operator.
   *
   * @param {string} sessionId
   */
  pendingDraft(sessionId) {
    return this.of(sessionId).drafts.find(({ state }) => state === 'pending');
  }

  /**
   * Return the call on which something is still to come.
   *
   * @param {string} sessionId
   */
  openAction(sessionId) {
    return this.of(sessionId).actions.find(({ state }) => OPEN.includes(state));
  }

  /**
   * Tell whether something in a conversation waits for an operator, or for what comes of a decision.
   *
   * @param {string} sessionId
   */
  waits(sessionId) {
    return Boolean(this.pendingDraft(sessionId) ?? this.openAction(sessionId));
  }

  /**
   * Return the passages that an answer of the AI is based on. They are the same array while they are the same.
   *
   * @param {Pick<import('../types.js').Message, 'id' | 'sessionId'>} message
   */
  sourcesOf({ id, sessionId }) {
    return this.conversations.get(sessionId)?.ai.sources.get(id) ?? NONE;
  }

  /**
   * Take what the server tells of a conversation.
   *
   * @param {string} sessionId
   * @param {{drafts: AIDraft[], actions: AIAction[], answers?: AIAnswer[]}} told
   * @param {number} since the `moment` when it was asked for
   */
  take(sessionId, { drafts, actions, answers }, since) {
    const work = this.conversations.get(sessionId)?.ai;
    // A decision of this page, or a later answer, is newer.
    if (!work || since < work.moment) return;
    Object.assign(work, { drafts, actions, moment: since });
    if (answers) this.#takeAnswers(sessionId, work, answers);
    this.emit('ai', sessionId);
  }

  /** @param {import('../types.js').AIStatus} status */
  takeStatus(status) {
    this.status = status;
    this.emit('ai', '');
  }

  /**
   * A draft was sent or dropped here.
   *
   * @param {AIDraft} draft
   * @param {AIDraft['state']} state
   */
  settleDraft({ id, sessionId }, state) {
    this.#change(sessionId, (work) => ({
      drafts: work.drafts.map((one) => (one.id === id ? { ...one, state } : one)),
    }));
  }

  /**
   * A call was decided on here.
   *
   * @param {AIAction} action in its new state
   */
  takeAction(action) {
    this.#change(action.sessionId, (work) => ({
      actions: work.actions.map((one) => (one.id === action.id ? action : one)),
    }));
  }

  /**
   * @param {string} sessionId
   * @param {(work: AIWork) => Partial<AIWork>} change
   */
  #change(sessionId, change) {
    const work = this.conversations.get(sessionId)?.ai;
    if (!work) return;
    Object.assign(work, change(work), { moment: this.nextMoment() });
    this.emit('ai', sessionId);
  }

  /**
   * @param {string} sessionId
   * @param {AIWork} work
   * @param {AIAnswer[]} answers
   */
  #takeAnswers(sessionId, work, answers) {
    work.answers = answers;
    let changed = false;
    for (const { messageId, passages } of answers) {
      if (!messageId || !passages.length) continue;
      if (JSON.stringify(work.sources.get(messageId)) === JSON.stringify(passages)) continue;
      work.sources.set(messageId, passages);
      changed = true;
    }
    if (changed) this.emit('conversation', sessionId);
  }
}
