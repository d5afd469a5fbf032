/**
 * What the inbox knows, and how what the server sends changes it. No page and no network here: the app feeds it, the
 * views listen to it, and the tests run it as it is.
 *
 * Every piece may come twice and in any order against the pieces of another road: a page that was asked for before an
 * event never undoes what the event said.
 */

import { nameOf, shortUrl } from './format.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').Message} Message */
/** @typedef {import('./types.js').Operator} Operator */
/** @typedef {import('./types.js').Frame} Frame */
/** @typedef {import('./types.js').Note} Note */
/** @typedef {import('./types.js').Pending} Pending */
/** @typedef {import('./types.js').Filter} Filter */

/**
 * @typedef {object} Listing the conversations that the list shows
 * @property {Filter} filter
 * @property {string} query
 * @property {Session[]} rows newest activity first
 * @property {Set<string>} members
 * @property {string | null} cursor
 * @property {Session | null} floor the last of what was loaded; what lies below it is not known
 * @property {'empty' | 'loading' | 'ready' | 'failed'} state
 * @property {boolean} done
 *
 * @typedef {object} Conversation
 * @property {Message[]} messages by seq
 * @property {Map<string, Message>} byId
 * @property {Map<string, (message: Message) => Message>} early changes of messages that no page has brought yet
 * @property {Map<string, Note>} notes
 * @property {boolean} hasMore whether older ones are on the server
 * @property {boolean} loaded
 */

/** Milliseconds after which somebody who does not go on typing does not type. */
const TYPING_ENDS = 6000;
const CONVERSATIONS_KEPT = 30;
const STATUS_ORDER = { sent: 0, delivered: 1, read: 2 };

/**
 * Order of the list: newest activity first, as the server pages it.
 *
 * @param {Pick<Session, 'id' | 'lastActivity'>} a
 * @param {Pick<Session, 'id' | 'lastActivity'>} b
 */
export function byActivity(a, b) {
  if (a.lastActivity !== b.lastActivity) return a.lastActivity < b.lastActivity ? 1 : -1;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

/**
 * Of two states of one message the later one.
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

/**
 * Where a row stands, or would stand, in a sorted list.
 *
 * @template T
 * @param {T[]} rows
 * @param {T} row
 * @param {(a: T, b: T) => number} compare
 */
export function placeOf(rows, row, compare) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(/** @type {T} */ (rows[middle]), row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Store {
  constructor() {
    /** @type {Map<string, Session>} */
    this.sessions = new Map();
    /** @type {Map<string, Conversation>} */
    this.conversations = new Map();
    /** @type {Map<string, Pending[]>} */
    this.pending = new Map();
    /** @type {Map<string, {visitor: number, operators: Map<string, {name: string, until: number}>}>} */
    this.typing = new Map();
    /** @type {Operator[]} */
    this.operators = [];
    /** @type {Operator | null} */
    this.me = null;
    /** Conversations whose answer people wait for, as far as they are known. */
    this.waiting = 0;
    /** Sessions of which something happened that only the server can tell in full. @type {Set<string>} */
    this.stale = new Set();
    /** @type {Listing} */
    this.listing = newListing('open', '');
    /** @type {Map<string, number>} */
    this.touched = new Map();
    this.moment = 0;
    /** `moment` when the events began. */
    this.begun = 0;
    /** The seq of the last message of a session that was told. @type {Map<string, number>} */
    this.told = new Map();
    /** @type {Map<string, Set<(detail?: any) => void>>} */
    this.listeners = new Map();
  }

  /**
   * Listen to `list`, `session`, `conversation`, `typing`, `operators`, `waiting`, `stale`, `message` (a visitor's new
   * one) or `pending`. The detail is the id of the session, or the message.
   *
   * @param {string} topic
   * @param {(detail?: any) => void} listener
   * @returns {() => void} stops listening
   */
  on(topic, listener) {
    const found = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, found.add(listener));
    return () => found.delete(listener);
  }

  /**
   * @param {string} topic
   * @param {unknown} [detail]
   */
  emit(topic, detail) {
    for (const listener of this.listeners.get(topic) ?? []) listener(detail);
  }

  // What was asked for

  /** From now on events tell what happens. Nobody tells what an answer of before has missed. */
  begin() {
    this.moment += 1;
    this.begun = this.moment;
    this.conversations.clear();
  }

  /**
   * Begin another list.
   *
   * @param {Filter} filter
   * @param {string} query
   * @returns {Listing}
   */
  list(filter, query) {
    this.listing = newListing(filter, query);
    this.listing.state = 'loading';
    this.emit('list');
    return this.listing;
  }

  /**
   * Take a page of sessions.
   *
   * @param {Session[]} sessions
   * @param {number} since `moment` when it was asked for
   */
  takeSessions(sessions, since) {
    for (const session of sessions) this.takeSession(session, since);
  }

  /**
   * Take a page of the list.
   *
   * @param {Listing} listing for which it was asked; another one may be shown meanwhile
   * @param {import('./types.js').SessionsPage} page
   * @param {number} since `moment` when it was asked for
   */
  takePage(listing, page, since) {
    this.takeSessions(page.sessions, since);
    if (listing !== this.listing) return;
    listing.cursor = page.nextCursor;
    listing.done = page.nextCursor === null;
    listing.floor = page.sessions[page.sessions.length - 1] ?? listing.floor;
    listing.state = 'ready';
    for (const { id } of page.sessions) {
      const session = /** @type {Session} */ (this.sessions.get(id));
      // Of a search only the server knows who belongs to it.
      if (listing.query || fits(session, listing.filter)) this.enlist(session);
    }
    // Those of which the server could not know yet when it made the page.
    for (const [id, moment] of this.touched) if (moment > since) this.enlistIfInReach(this.sessions.get(id));
    this.emit('list');
  }

  /**
   * Take what the server said of a session.
   *
   * @param {Session} session
   * @param {number} [since] `moment` when it was asked for; without it this is the newest there is
   */
  takeSession(session, since = this.moment) {
    if (since < this.begun && this.sessions.has(session.id)) return;
    const outdated = (this.touched.get(session.id) ?? 0) > since;
    if (outdated) this.makeStale(session.id);
    // One that is not known is better shown as it was than not at all.
    if (!outdated || !this.sessions.has(session.id)) this.put(session);
  }

  /**
   * Take a page of messages.
   *
   * @param {string} sessionId
   * @param {Message[]} messages
   * @param {boolean} [hasMore] whether there are older ones, where the page tells
   */
  takeMessages(sessionId, messages, hasMore) {
    const conversation = this.conversation(sessionId);
    for (const message of messages) insert(conversation, message);
    if (hasMore !== undefined) {
      conversation.hasMore = hasMore;
      conversation.loaded = true;
    }
    this.emit('conversation', sessionId);
  }

  /**
   * Take the pages that a visitor was on as lines of the conversation.
   *
   * @param {string} sessionId
   * @param {import('./types.js').PageVisit[]} pages
   */
  takePages(sessionId, pages) {
    for (const page of pages) this.note(sessionId, pageNote(page.url, page.title, page.visitedAt));
    this.emit('conversation', sessionId);
  }

  /** @param {Operator[]} operators */
  takeOperators(operators) {
    this.operators = operators;
    this.emit('operators');
  }

  /**
   * The conversation of a session, made where it is not there; the ones not looked at for longest go.
   *
   * @param {string} sessionId
   * @returns {Conversation}
   */
  conversation(sessionId) {
    let found = this.conversations.get(sessionId);
    if (!found) {
      found = { messages: [], byId: new Map(), early: new Map(), notes: new Map(), hasMore: false, loaded: false };
      const [oldest] = this.conversations.keys();
      if (oldest !== undefined && this.conversations.size >= CONVERSATIONS_KEPT) this.conversations.delete(oldest);
    }
    this.conversations.delete(sessionId);
    this.conversations.set(sessionId, found);
    return found;
  }

  // What happened

  /**
   * Apply a frame of the server.
   *
   * @param {Frame} frame
   */
  apply(frame) {
    const { type, sessionId } = frame;
    if (type === 'typing') return this.applyTyping(frame);
    if (type === 'presence') {
      if (frame.operators) this.takeOperators(frame.operators);
      return;
    }
    if (!sessionId) return;
    this.moment += 1;
    this.touched.set(sessionId, this.moment);
    if (type === 'session.created' || type === 'session.updated') return this.applySession(frame);
    if (type === 'message.created') {
      this.settle(frame.message);
      return this.applyNewMessage(frame.message);
    }
    if (type === 'message.updated' || type === 'message.deleted') return this.applyChange(frame.message);
    if (type === 'message.read') return this.applyReceipt(frame);
    this.applyRest(frame);
  }

  /** @param {Frame} frame */
  applySession({ type, session, timestamp }) {
    const known = this.sessions.get(session.id);
    // The log may repeat an old line; what is known since is better.
    if (type === 'session.created' && known) return;
    this.put(session);
    // What an answer told of the session may be ahead of the events; what is told in the conversation is not.
    const before = this.pageAt(session.id, timestamp) ?? known?.metadata.pageUrl;
    if (known && before !== session.metadata.pageUrl) {
      this.note(session.id, pageNote(session.metadata.pageUrl, session.metadata.pageTitle, timestamp));
      this.emit('conversation', session.id);
    }
  }

  /**
   * The page that the visitor was on at some time, as far as the conversation tells.
   *
   * @param {string} sessionId
   * @param {string} at
   * @returns {string | undefined}
   */
  pageAt(sessionId, at) {
    let last;
    for (const note of this.conversations.get(sessionId)?.notes.values() ?? []) {
      if (note.kind === 'page' && note.at <= at && note.at >= (last?.at ?? '')) last = note;
    }
    return last?.url;
  }

  /** @param {Message} message */
  applyNewMessage(message) {
    const { sessionId } = message;
    const session = this.sessions.get(sessionId);
    const conversation = this.conversations.get(sessionId);
    const isShown = conversation?.byId.has(message.id);
    const last = session?.lastMessage?.seq ?? 0;
    if (conversation) insert(conversation, message);
    // Nobody said that the conversation was closed or reopened; the event behind it tells what it changes.
    if (message.kind) return this.emit('conversation', sessionId);
    this.stopTyping(message);
    if (session && last < message.seq) this.put(withMessage(session, message));
    // The own answer, or a page, was faster than this: whether it counts as unread there is not known.
    else if (!session || (message.type === 'visitor' && last > message.seq)) this.makeStale(sessionId);
    this.emit('conversation', sessionId);
    if (!isShown && message.type === 'visitor') this.tell(message);
  }

  /**
   * Tell of a visitor's message, once, by whatever road it came.
   *
   * @param {Message} message
   */
  tell(message) {
    const { sessionId, seq } = message;
    if ((this.told.get(sessionId) ?? 0) >= seq) return;
    this.told.set(sessionId, seq);
    this.emit('message', message);
  }

  /** @param {Message} message */
  applyChange(message) {
    const { sessionId } = message;
    const conversation = this.conversations.get(sessionId);
    if (conversation) change(conversation, message.id, () => message);
    const session = this.sessions.get(sessionId);
    if (!session) return;
    if (session.lastMessage?.id === message.id) {
      this.put({ ...session, lastMessage: laterState(message, session.lastMessage) });
    }
    if (message.deletedAt && message.type === 'visitor' && session.unread) this.makeStale(sessionId);
    this.emit('conversation', sessionId);
  }

  /** @param {Frame} frame */
  applyReceipt({ sessionId, seq, messageIds, status, deliveredAt, readAt }) {
    const conversation = this.conversations.get(sessionId);
    const times = { status, ...(deliveredAt && { deliveredAt }), ...(readAt && { readAt }) };
    let known = 0;
    let fromVisitor = 0;
    for (const id of messageIds) {
      const message = conversation && change(conversation, id, (known) => ({ ...known, ...times }));
      known += Number(Boolean(message));
      fromVisitor += Number(message?.type === 'visitor');
    }
    const session = this.sessions.get(sessionId);
    if (session) {
      const last = session.lastMessage;
      const lastMessage = last && messageIds.includes(last.id) ? laterState({ ...last, ...times }, last) : last;
      const unread = status === 'read' ? Math.max(0, session.unread - fromVisitor) : session.unread;
      this.put({ ...session, lastMessage, unread });
      // What was read of the session may have counted this already.
      const counted = last !== null && seq < last.seq;
      if (status === 'read' && session.unread && (counted || known < messageIds.length)) this.makeStale(sessionId);
    }
    this.emit('conversation', sessionId);
  }

  /** @param {Frame} frame */
  applyRest(frame) {
    const { type, sessionId, timestamp } = frame;
    const change = sessionChange(frame);
    const session = this.sessions.get(sessionId);
    if (change && session) this.put({ ...session, ...change });
    // Who waits for an answer in one that is open again, the event does not say.
    if (change && (!session || type === 'session.reopened')) this.makeStale(sessionId);
    const told = noteOf(frame);
    if (told && this.conversations.has(sessionId)) {
      this.note(sessionId, { key: noteKey(told.kind, timestamp, frame.id), at: timestamp, ...told });
      this.emit('conversation', sessionId);
    }
  }

  // Typing

  /** @param {Frame} frame */
  applyTyping({ sessionId, sender, isTyping, operator }) {
    const now = Date.now();
    const found = this.typing.get(sessionId) ?? { visitor: 0, operators: new Map() };
    this.typing.set(sessionId, found);
    const until = isTyping ? now + TYPING_ENDS : 0;
    if (sender === 'visitor') found.visitor = until;
    else if (operator?.id !== undefined && operator.id === this.me?.id) return;
    else if (isTyping) found.operators.set(operator?.id ?? '', { name: operator?.name ?? texts.operator, until });
    else found.operators.delete(operator?.id ?? '');
    this.emit('typing', sessionId);
  }

  /**
   * Whether the visitor types.
   *
   * @param {string} sessionId
   */
  visitorTypes(sessionId) {
    return (this.typing.get(sessionId)?.visitor ?? 0) > Date.now();
  }

  /**
   * The names of the other operators who write an answer.
   *
   * @param {string} sessionId
   */
  answering(sessionId) {
    const found = this.typing.get(sessionId)?.operators.values() ?? [];
    return [...found].filter(({ until }) => until > Date.now()).map(({ name }) => name);
  }

  /** Forget who has not gone on typing; somebody calls this every second or so. */
  endTyping() {
    const now = Date.now();
    for (const [sessionId, found] of this.typing) {
      const before = (found.visitor ? 1 : 0) + found.operators.size;
      if (found.visitor <= now) found.visitor = 0;
      for (const [id, { until }] of found.operators) if (until <= now) found.operators.delete(id);
      const after = (found.visitor ? 1 : 0) + found.operators.size;
      if (after === 0) this.typing.delete(sessionId);
      if (after !== before) this.emit('typing', sessionId);
    }
  }

  /** @param {Message} message */
  stopTyping(message) {
    const found = this.typing.get(message.sessionId);
    if (!found) return;
    if (message.type === 'visitor') found.visitor = 0;
    for (const [id, { name }] of found.operators) if (name === message.operatorName) found.operators.delete(id);
    this.emit('typing', message.sessionId);
  }

  // Messages on their way

  /** @param {Pending} pending */
  addPending(pending) {
    this.pending.set(pending.sessionId, [...this.pendingOf(pending.sessionId), pending]);
    this.emit('pending', pending.sessionId);
    this.emit('conversation', pending.sessionId);
  }

  /**
   * @param {Pending} pending
   * @param {Partial<Pending>} change
   */
  changePending(pending, change) {
    const changed = this.pendingOf(pending.sessionId).map((item) =>
      item.key === pending.key ? { ...item, ...change } : item,
    );
    this.pending.set(pending.sessionId, changed);
    this.emit('pending', pending.sessionId);
    this.emit('conversation', pending.sessionId);
  }

  /** @param {Pending} pending */
  dropPending(pending) {
    const left = this.pendingOf(pending.sessionId).filter((item) => item.key !== pending.key);
    if (left.length) this.pending.set(pending.sessionId, left);
    else this.pending.delete(pending.sessionId);
    this.emit('pending', pending.sessionId);
    this.emit('conversation', pending.sessionId);
  }

  /**
   * @param {string} sessionId
   * @returns {Pending[]}
   */
  pendingOf(sessionId) {
    return this.pending.get(sessionId) ?? [];
  }

  /**
   * The server has confirmed a message that was on its way.
   *
   * @param {Pending} pending
   * @param {Message} message
   */
  confirm(pending, message) {
    this.dropPending(pending);
    this.moment += 1;
    this.touched.set(message.sessionId, this.moment);
    this.applyNewMessage(message);
  }

  /**
   * An operator's message came as an event. If it looks like one whose answer has not come yet, only one of the
   * two is shown until the answer tells.
   *
   * @param {Message} message
   */
  settle(message) {
    if (message.type !== 'operator' || this.conversations.get(message.sessionId)?.byId.has(message.id)) return;
    const same = this.pendingOf(message.sessionId).find((item) => !item.arrivedAs && item.content === message.content);
    if (same) this.changePending(same, { arrivedAs: message.id });
  }

  // The parts

  /**
   * Keep a session, and let the list and the count of those who wait follow.
   *
   * @param {Session} session
   */
  put(session) {
    const known = this.sessions.get(session.id);
    const waited = known ? waits(known) : false;
    const listing = this.listing;
    const wasListed = listing.members.has(session.id);
    if (known && wasListed) this.delist(known);
    this.sessions.set(session.id, session);
    if (wasListed && listing.query) this.enlist(session);
    else this.enlistIfInReach(session);
    this.waiting += Number(waits(session)) - Number(waited);
    this.emit('list');
    this.emit('session', session.id);
    if (waits(session) !== waited) this.emit('waiting');
  }

  /** @param {Session | undefined} session */
  enlistIfInReach(session) {
    const { state, done, floor, query, filter } = this.listing;
    if (!session || state !== 'ready') return;
    const inReach = done || (floor !== null && byActivity(session, floor) <= 0);
    if (inReach && (query ? found(session, this.listing) : fits(session, filter))) this.enlist(session);
  }

  /** @param {Session} session */
  enlist(session) {
    const { rows, members } = this.listing;
    if (members.has(session.id)) return;
    members.add(session.id);
    rows.splice(placeOf(rows, session, byActivity), 0, session);
  }

  /** @param {Session} session as it stands in the list */
  delist(session) {
    const { rows, members } = this.listing;
    members.delete(session.id);
    const place = placeOf(rows, session, byActivity);
    if (rows[place]?.id === session.id) rows.splice(place, 1);
  }

  /**
   * @param {string} sessionId
   * @param {Note} note
   */
  note(sessionId, note) {
    this.conversations.get(sessionId)?.notes.set(note.key, note);
  }

  /** @param {string} sessionId */
  makeStale(sessionId) {
    this.stale.add(sessionId);
    this.emit('stale', sessionId);
  }
}

/**
 * @param {Filter} filter
 * @param {string} query
 * @returns {Listing}
 */
function newListing(filter, query) {
  return { filter, query, rows: [], members: new Set(), cursor: null, floor: null, state: 'empty', done: false };
}

/** @param {Session} session */
function waits(session) {
  return session.unanswered && session.status === 'active' && session.lastMessage !== null;
}

/**
 * Whether a session belongs to a filter.
 *
 * @param {Session} session
 * @param {Filter} filter
 */
export function fits(session, filter) {
  if (!session.lastMessage) return false;
  if (filter === 'open') return session.status === 'active';
  if (filter === 'closed') return session.status === 'closed';
  return filter === 'all' || waits(session);
}

/**
 * Whether what is known of a session has the text that is searched; older messages only the server can search.
 *
 * @param {Session} session
 * @param {Listing} listing
 */
function found(session, listing) {
  const { identity, lastMessage } = session;
  const text = [identity?.name, identity?.email, lastMessage?.content].join('\n').toLowerCase();
  return fits(session, listing.filter) && text.includes(listing.query.toLowerCase());
}

/**
 * @param {Session} session
 * @param {Message} message
 * @returns {Session}
 */
function withMessage(session, message) {
  const fromVisitor = message.type === 'visitor';
  return {
    ...session,
    lastMessage: message,
    lastActivity: message.createdAt > session.lastActivity ? message.createdAt : session.lastActivity,
    unread: session.unread + Number(fromVisitor),
    unanswered: fromVisitor || (message.type === 'system' && session.unanswered),
  };
}

/**
 * Put a message where it belongs, or the later state of it.
 *
 * @param {Conversation} conversation
 * @param {Message} message
 */
function insert({ messages, byId, early }, message) {
  const known = byId.get(message.id) ?? early.get(message.id)?.(message);
  const place = placeOf(messages, message, (a, b) => a.seq - b.seq);
  const state = known ? laterState(message, known) : message;
  messages.splice(place, byId.has(message.id) ? 1 : 0, state);
  byId.set(message.id, state);
  early.delete(message.id);
}

/**
 * Change a message that is there; of one that is not, its page may be on the way, read before the change.
 *
 * @param {Conversation} conversation
 * @param {string} id
 * @param {(message: Message) => Message} how
 * @returns {Message | undefined} the message as it was
 */
function change(conversation, id, how) {
  const known = conversation.byId.get(id);
  if (known) insert(conversation, how(known));
  else {
    const before = conversation.early.get(id) ?? ((message) => message);
    conversation.early.set(id, (message) => laterState(how(before(message)), before(message)));
  }
  return known;
}

/**
 * What an event without a session or message changes in its session.
 *
 * @param {Frame} frame
 * @returns {Partial<Session> | null}
 */
function sessionChange(frame) {
  switch (frame.type) {
    case 'session.closed':
      return { status: 'closed', closedAt: frame.timestamp, aiActive: false };
    case 'session.reopened':
      return { status: 'active', closedAt: null, lastActivity: frame.timestamp };
    case 'visitor.identified':
      return { identity: frame.identity };
    case 'visitor.connected':
      return { visitorOnline: true };
    case 'visitor.disconnected':
      return { visitorOnline: false };
    case 'ai.toggled':
      return frame.enabled ? { aiEnabled: true } : { aiEnabled: false, aiActive: false };
    case 'ai.takeover':
      return { aiActive: true };
    case 'csat.requested':
      return { csatRequestedAt: frame.requestedAt ?? frame.timestamp };
    case 'csat.submitted':
      return {
        csat: { score: frame.score, ...(frame.comment && { comment: frame.comment }), submittedAt: frame.timestamp },
      };
    default:
      return null;
  }
}

/**
 * What tells a note from others. A session itself says when it was rated, and such an event may come too.
 *
 * @param {Note['kind']} kind
 * @param {string} at
 * @param {string} [id] of the event
 */
export function noteKey(kind, at, id) {
  return id && !['asked', 'rated'].includes(kind) ? id : `${kind} ${at}`;
}

/**
 * The quiet line that tells of an event.
 *
 * @param {Frame} frame
 * @returns {Pick<Note, 'kind' | 'text'> | null}
 */
function noteOf(frame) {
  switch (frame.type) {
    case 'visitor.identified':
      return {
        kind: 'identified',
        text: texts.notes.identified(nameOf({ identity: frame.identity, visitorId: frame.sessionId })),
      };
    case 'ai.toggled':
      return { kind: 'ai', text: frame.enabled ? texts.notes.aiOn : texts.notes.aiOff };
    case 'ai.takeover':
      return { kind: 'ai', text: texts.notes.takeover };
    case 'csat.requested':
      return { kind: 'asked', text: texts.notes.asked };
    case 'csat.submitted':
      return { kind: 'rated', text: texts.notes.rated(frame.score, frame.comment) };
    case 'event.received':
      return { kind: 'received', text: texts.notes.received(frame.name, shortData(frame.data)) };
    case 'event.sent':
      return { kind: 'sent', text: texts.notes.sent(frame.name, shortData(frame.data)) };
    default:
      return null;
  }
}

/** @param {unknown} data */
function shortData(data) {
  if (data === null || data === undefined) return '';
  const text = JSON.stringify(data);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

/**
 * @param {string} url
 * @param {string | null | undefined} title
 * @param {string} at
 * @returns {Note}
 */
function pageNote(url, title, at) {
  // The page's own list and the event tell the same visit, a few milliseconds apart.
  return {
    key: `page ${url} ${at.slice(0, 16)}`,
    kind: 'page',
    at,
    text: texts.notes.page(title || shortUrl(url)),
    url,
  };
}
