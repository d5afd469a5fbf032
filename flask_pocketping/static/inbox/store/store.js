/**
 * What the inbox knows, and how what the server sends changes it. It needs no page and no network: the loader and the
 * connection feed it, the views listen to it, and the tests run it as it is.
 *
 * Every piece may come twice and in any order: a page that was asked for before an event never undoes the event.
 */

import { AIStore } from './ai.js';
import { Deliveries } from './deliveries.js';
import { Emitter } from './emitter.js';
import { Conversations, changeMessage, insertMessage, insertNewer, insertPart, laterState } from './messages.js';
import { OperatorNames } from './names.js';
import { eventNote, pageNote, sessionNotes } from './notes.js';
import { PendingMessages } from './pending.js';
import { Sessions, sessionChange, withMessage } from './sessions.js';
import { Growing } from './growing.js';
import { Typing } from './typing.js';
import { texts } from '../texts.js';

/** @typedef {import('../types.js').Session} Session */
/** @typedef {import('../types.js').Message} Message */
/** @typedef {import('../types.js').Operator} Operator */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Note} Note */
/** @typedef {import('../types.js').Pending} Pending */
/** @typedef {import('./sessions.js').Listing} Listing */

/**
 * Its topics are `list`, `query`, `session`, `conversation`, `ai` (what the AI did), `typing`, `growing`, `operators`,
 * `waiting`, `states` (sessions came or changed their state), `counts`, `stale`, `message` (a new one of a visitor) and
 * `pending`. The detail is the id of the session, or the message.
 */
export class Store extends Emitter {
  constructor() {
    super();
    const emit = this.emit.bind(this);
    this.sessions = new Sessions(emit);
    this.conversations = new Conversations();
    this.deliveries = new Deliveries(this.conversations, emit, (sessionId) => this.#markStale(sessionId));
    this.ai = new AIStore(this.conversations, emit, () => (this.moment += 1));
    this.pending = new PendingMessages(emit);
    this.typing = new Typing(emit);
    this.growing = new Growing(emit);
    /** @type {Operator[]} */
    this.operators = [];
    /** The operator who is signed in. @type {Operator | null} */
    this.me = null;
    /** What the server can do and lets this operator do. @type {import('../types.js').Capabilities} */
    this.capabilities = { ai: false, editOthers: false, maxUploadSize: Infinity };
    this.names = new OperatorNames(() => this.emit('operators'));
    /** How many sessions are in each state, if known. @type {import('../types.js').SessionCounts | null} */
    this.counts = null;
    /**
     * Ids of the sessions that have to be loaded again: something happened that events do not tell in full.
     * @type {Set<string>}
     */
    this.stale = new Set();
    /** Counts the events. */
    this.moment = 0;
    /** The `moment` when the events began. */
    this.begun = 0;
    /** The `moment` of the last event of each session. @type {Map<string, number>} */
    this.touched = new Map();
    /** The seq of the last visitor's message of each session that was announced. @type {Map<string, number>} */
    this.announced = new Map();
  }

  // Answers of the server

  /** From now on events tell what happens, so whatever was read before may be outdated. */
  begin() {
    this.moment += 1;
    this.begun = this.moment;
    this.conversations.clear();
  }

  /**
   * Take a page of sessions.
   *
   * @param {Session[]} sessions
   * @param {number} since the `moment` when it was asked for
   */
  takeSessions(sessions, since) {
    for (const session of sessions) this.takeSession(session, since);
  }

  /**
   * Take a page of the list.
   *
   * @param {Listing} listing for which it was asked; another one may be shown by now
   * @param {import('../types.js').SessionsPage} page
   * @param {number} since the `moment` when it was asked for
   */
  takePage(listing, page, since) {
    this.takeSessions(page.sessions, since);
    if (listing !== this.sessions.listing) return;
    const newer = [...this.touched].filter(([, moment]) => moment > since).map(([id]) => id);
    this.sessions.addPage(page, newer);
  }

  /**
   * Take a session.
   *
   * @param {Session} session
   * @param {number} [since] the `moment` when it was asked for; without it this is the latest state
   */
  takeSession(session, since = this.moment) {
    if (since < this.begun && this.sessions.has(session.id)) return;
    const outdated = (this.touched.get(session.id) ?? 0) > since;
    if (outdated) this.#markStale(session.id);
    // An outdated state is better than none.
    if (!outdated || !this.sessions.has(session.id)) this.sessions.put(session);
  }

  /**
   * Take a page of messages.
   *
   * @param {string} sessionId
   * @param {Message[]} messages
   * @param {boolean} [hasMore] whether there are older ones, if the page tells
   * @param {number} [since] the `moment` when it was asked for
   */
  takeMessages(sessionId, messages, hasMore, since = this.moment) {
    const conversation = this.conversations.open(sessionId);
    for (const message of messages) insertMessage(conversation, message);
    this.deliveries.takePage(sessionId, messages, since);
    if (hasMore !== undefined) {
      conversation.hasMore = hasMore;
      conversation.loaded = true;
    }
    this.emit('conversation', sessionId);
  }

  /**
   * Take the pages that a visitor viewed as notes of the conversation.
   *
   * @param {string} sessionId
   * @param {import('../types.js').PageVisit[]} pages
   */
  takePages(sessionId, pages) {
    this.#addNotes(
      sessionId,
      pages.map((page) => pageNote(page.url, page.title, page.visitedAt)),
    );
  }

  /**
   * Take the notes that a session itself tells of.
   *
   * @param {Session} session
   */
  takeSessionNotes(session) {
    this.#addNotes(session.id, sessionNotes(session));
  }

  /**
   * Take a part of a conversation around one message, to show it.
   *
   * @param {string} sessionId
   * @param {Message[]} messages
   * @param {{hasOlder: boolean, hasNewer: boolean}} more
   * @param {number} [since] the `moment` when it was asked for
   */
  takePart(sessionId, messages, more, since = this.moment) {
    insertPart(this.conversations.open(sessionId), messages, more);
    this.deliveries.takePage(sessionId, messages, since);
    this.emit('conversation', sessionId);
  }

  /**
   * Take what follows the part that is shown.
   *
   * @param {string} sessionId
   * @param {Message[]} messages
   * @param {boolean} hasNewer
   * @param {number} [since] the `moment` when it was asked for
   */
  takeNewer(sessionId, messages, hasNewer, since = this.moment) {
    insertNewer(this.conversations.open(sessionId), messages, hasNewer);
    this.deliveries.takePage(sessionId, messages, since);
    this.emit('conversation', sessionId);
  }

  /**
   * Take who is signed in.
   *
   * @param {Operator} operator
   * @param {import('../types.js').Capabilities} capabilities
   */
  takeMe(operator, capabilities) {
    this.me = operator;
    this.capabilities = capabilities;
    this.deliveries.bridges = capabilities.bridges ?? [];
    this.names.label(operator.id, operator.name);
    this.emit('operators');
  }

  /** @param {Operator[]} operators */
  takeOperators(operators) {
    this.operators = operators;
    for (const { id, name } of operators) this.names.label(id, name);
    this.emit('operators');
  }

  /** @param {import('../types.js').SessionCounts} counts */
  takeCounts(counts) {
    this.counts = counts;
    this.emit('counts');
  }

  /** Whether no visitor has ever written, as far as is known. */
  get isEmpty() {
    return this.counts !== null && this.counts.open + this.counts.closed === 0;
  }

  // Who wrote a message

  /** @param {Pick<Message, 'type' | 'operatorId'>} message */
  isMine({ type, operatorId }) {
    return type === 'operator' && operatorId !== undefined && operatorId === this.me?.id;
  }

  /**
   * Return whose message it is, if it is not the visitor's.
   *
   * @param {Pick<Message, 'type' | 'operatorId' | 'operatorName'>} message
   */
  authorOf(message) {
    const { type, operatorId, operatorName } = message;
    if (this.isMine(message)) return texts.you;
    if (operatorName) return this.names.label(operatorId, operatorName);
    return type === 'ai' ? texts.assistant : texts.operator;
  }

  /**
   * Tell whether the operator may edit and delete a message.
   *
   * @param {Message} message
   */
  mayChange(message) {
    if (message.deletedAt) return false;
    return this.isMine(message) || (this.capabilities.editOthers && ['operator', 'ai'].includes(message.type));
  }

  // Frames of the server

  /**
   * Apply a frame.
   *
   * @param {Frame} frame
   */
  apply(frame) {
    const { type, sessionId } = frame;
    if (type === 'typing') return this.typing.apply(frame, this.me);
    if (type === 'message_stream') return this.growing.apply(frame);
    if (type === 'presence') {
      if (frame.operators) this.takeOperators(frame.operators);
      return;
    }
    // These only say that there is something to ask for.
    if (!sessionId || type === 'ai_draft' || type === 'ai_action') return;
    if (type === 'deliveries') {
      this.moment += 1;
      return this.deliveries.take(sessionId, frame.messageId, frame.deliveries, this.moment);
    }
    this.#touch(sessionId);
    if (type === 'session.created' || type === 'session.updated') return this.#applySession(frame);
    if (type === 'message.created') {
      this.#matchPending(frame.message);
      return this.#applyNewMessage(frame.message);
    }
    if (type === 'message.updated' || type === 'message.deleted') return this.applyChange(frame.message);
    if (type === 'message.read') return this.#applyReceipt(frame);
    this.#applyOther(frame);
  }

  /** @param {Frame} frame */
  #applySession({ type, session, timestamp }) {
    const known = this.sessions.get(session.id);
    // The log may repeat an old event; what is known since is newer.
    if (type === 'session.created' && known) return;
    this.sessions.put(session);
    // An answer may have told of the session's page before the event did; the conversation's notes are never ahead.
    const before = this.#pageAt(session.id, timestamp) ?? known?.metadata.pageUrl;
    const { pageUrl, pageTitle } = session.metadata;
    if (known && before !== pageUrl) this.#addNotes(session.id, [pageNote(pageUrl, pageTitle, timestamp)]);
  }

  /**
   * Return the page that the visitor viewed at some time, if the notes tell.
   *
   * @param {string} sessionId
   * @param {string} at
   * @returns {string | undefined}
   */
  #pageAt(sessionId, at) {
    let last;
    for (const note of this.conversations.get(sessionId)?.notes.values() ?? []) {
      if (note.kind === 'page' && note.at <= at && note.at >= (last?.at ?? '')) last = note;
    }
    return last?.url;
  }

  /** @param {Message} message */
  #applyNewMessage(message) {
    const { sessionId } = message;
    const session = this.sessions.get(sessionId);
    const conversation = this.conversations.get(sessionId);
    const isShown = conversation?.byId.has(message.id);
    const last = session?.lastMessage?.seq ?? 0;
    if (conversation) insertMessage(conversation, message);
    this.deliveries.expect(message, this.moment);
    // The server's line that a conversation was closed or reopened, and notes: the former has an event after it that
    // tells what it changes, and the latter change nothing.
    if (message.kind || message.internal) return this.emit('conversation', sessionId);
    this.typing.stop(message);
    this.growing.stop(message);
    if (session && last < message.seq) this.sessions.put(withMessage(session, message));
    // An answer, or a page, came before this event: whether it counted the message as unread is not known.
    else if (!session || (message.type === 'visitor' && last > message.seq)) this.#markStale(sessionId);
    this.emit('conversation', sessionId);
    // The first answer claims the conversation.
    if (conversation && message.type === 'operator' && this.deliveries.bridges.length && !conversation.onBridges.claim)
      this.#markStale(sessionId);
    if (!isShown && message.type === 'visitor') this.#announce(message);
  }

  /**
   * Announce a visitor's message, once.
   *
   * @param {Message} message
   */
  #announce(message) {
    const { sessionId, seq } = message;
    if ((this.announced.get(sessionId) ?? 0) >= seq) return;
    this.announced.set(sessionId, seq);
    this.emit('message', message);
  }

  /**
   * Apply the new state of a message that was edited or deleted.
   *
   * @param {Message} message
   */
  applyChange(message) {
    const { sessionId } = message;
    const conversation = this.conversations.get(sessionId);
    if (conversation) changeMessage(conversation, message.id, () => message);
    const session = this.sessions.get(sessionId);
    if (!session) return;
    if (session.lastMessage?.id === message.id) {
      this.sessions.put({ ...session, lastMessage: laterState(message, session.lastMessage) });
    }
    if (message.deletedAt && message.type === 'visitor' && session.unread) this.#markStale(sessionId);
    this.emit('conversation', sessionId);
  }

  /** @param {Frame} frame */
  #applyReceipt({ sessionId, seq, messageIds, status, deliveredAt, readAt }) {
    const conversation = this.conversations.get(sessionId);
    const times = { status, ...(deliveredAt && { deliveredAt }), ...(readAt && { readAt }) };
    let known = 0;
    let fromVisitor = 0;
    for (const id of messageIds) {
      const message = conversation && changeMessage(conversation, id, (before) => ({ ...before, ...times }));
      known += Number(Boolean(message));
      fromVisitor += Number(message?.type === 'visitor');
    }
    const session = this.sessions.get(sessionId);
    if (session) {
      const last = session.lastMessage;
      const lastMessage = last && messageIds.includes(last.id) ? laterState({ ...last, ...times }, last) : last;
      const unread = status === 'read' ? Math.max(0, session.unread - fromVisitor) : session.unread;
      this.sessions.put({ ...session, lastMessage, unread });
      // The session may have been read after this receipt, and have counted it already.
      const counted = last !== null && seq < last.seq;
      if (status === 'read' && session.unread && (counted || known < messageIds.length)) this.#markStale(sessionId);
    }
    this.emit('conversation', sessionId);
  }

  /** @param {Frame} frame */
  #applyOther(frame) {
    const { type, sessionId } = frame;
    const change = sessionChange(frame);
    const session = this.sessions.get(sessionId);
    if (change && session) this.sessions.put({ ...session, ...change });
    // The event does not tell who waits for a reply in a session that was reopened.
    if (change && (!session || type === 'session.reopened')) this.#markStale(sessionId);
    // The end of a conversation closes its threads, and ends its claim.
    else if (type === 'session.closed' && this.deliveries.bridges.length) this.#markStale(sessionId);
    const note = eventNote(frame);
    if (note && this.conversations.get(sessionId)) this.#addNotes(sessionId, [note]);
  }

  // The operator's own messages

  /**
   * The server confirmed a pending message.
   *
   * @param {Pending} pending
   * @param {Message} message
   */
  confirm(pending, message) {
    this.pending.drop(pending);
    this.takeSent(message);
  }

  /**
   * Take a message that the operator has sent, from the server's answer.
   *
   * @param {Message} message
   */
  takeSent(message) {
    this.#touch(message.sessionId);
    this.#applyNewMessage(message);
  }

  /**
   * A message of the operator came as an event. If a pending one has the same text, only one of the two is shown until the
   * answer tells whether they are the same.
   *
   * @param {Message} message
   */
  #matchPending(message) {
    if (!this.isMine(message) || this.conversations.get(message.sessionId)?.byId.has(message.id)) return;
    const same = this.pending.of(message.sessionId).find((item) => !item.arrivedAs && item.content === message.content);
    if (same) this.pending.change(same, { arrivedAs: message.id });
  }

  // Small steps

  /** @param {string} sessionId */
  #touch(sessionId) {
    this.moment += 1;
    this.touched.set(sessionId, this.moment);
  }

  /**
   * @param {string} sessionId
   * @param {Note[]} notes
   */
  #addNotes(sessionId, notes) {
    const conversation = this.conversations.get(sessionId);
    for (const note of notes) conversation?.notes.set(note.key, note);
    this.emit('conversation', sessionId);
  }

  /** @param {string} sessionId */
  #markStale(sessionId) {
    this.stale.add(sessionId);
    this.emit('stale', sessionId);
  }
}
