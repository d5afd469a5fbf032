/** The sessions that are known, those that the list shows, and how many of them wait for a reply. */

import { insertionIndex } from './sorted.js';

/** @typedef {import('../types.js').Session} Session */
/** @typedef {import('../types.js').Message} Message */
/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Filter} Filter */
/** @typedef {import('../types.js').SearchMatch} SearchMatch */

/**
 * @typedef {object} Listing the sessions that the list shows
 * @property {Filter} filter
 * @property {string} query
 * @property {Session[]} rows newest activity first
 * @property {Set<string>} members
 * @property {string | null} cursor
 * @property {Session | null} floor the last one that was loaded; what lies below it is not known
 * @property {'empty' | 'loading' | 'ready' | 'failed'} state
 * @property {boolean} done
 * @property {Map<string, SearchMatch>} matches for a search, the message of each session that matches
 */

export class Sessions {
  /** @type {Map<string, Session>} */
  #byId = new Map();
  #emit;

  /** @param {import('./emitter.js').Emit} emit */
  constructor(emit) {
    this.#emit = emit;
    /** How many of the known sessions wait for a reply. */
    this.waiting = 0;
    /** @type {Listing} */
    this.listing = newListing('open', '');
  }

  /** @param {string} id */
  get(id) {
    return this.#byId.get(id);
  }

  /** @param {string} id */
  has(id) {
    return this.#byId.has(id);
  }

  /**
   * Keep a session, and update the list and the count of those that wait.
   *
   * @param {Session} session
   */
  put(session) {
    const known = this.get(session.id);
    const waited = known ? isWaiting(known) : false;
    const { listing } = this;
    const wasListed = listing.members.has(session.id);
    if (known && wasListed) this.#removeRow(known);
    this.#byId.set(session.id, session);
    if (wasListed && listing.query) this.#addRow(session);
    else this.#addRowInReach(session);
    this.waiting += Number(isWaiting(session)) - Number(waited);
    this.#emit('list');
    this.#emit('session', session.id);
    if (isWaiting(session) !== waited) this.#emit('waiting');
    if (stateOf(session) !== (known ? stateOf(known) : '')) this.#emit('states');
  }

  /**
   * Begin another list.
   *
   * @param {Filter} filter
   * @param {string} query
   * @returns {Listing}
   */
  list(filter, query) {
    const before = this.listing.query;
    this.listing = { ...newListing(filter, query), state: 'loading' };
    this.#emit('list');
    if (query !== before) this.#emit('query');
    return this.listing;
  }

  /**
   * Add a page to the list.
   *
   * @param {import('../types.js').SessionsPage} page
   * @param {Iterable<string>} newer ids of sessions that changed since the page was asked for
   */
  addPage(page, newer) {
    const { listing } = this;
    listing.cursor = page.nextCursor;
    listing.done = page.nextCursor === null;
    listing.floor = page.sessions[page.sessions.length - 1] ?? listing.floor;
    listing.state = 'ready';
    for (const match of page.matches ?? []) listing.matches.set(match.sessionId, match);
    for (const { id } of page.sessions) {
      const session = /** @type {Session} */ (this.get(id));
      // Only the server knows which sessions match a search.
      if (listing.query || matchesFilter(session, listing.filter)) this.#addRow(session);
    }
    for (const id of newer) this.#addRowInReach(this.get(id));
    this.#emit('list');
  }

  /**
   * Add a session to the list if it belongs there and lies within what was loaded.
   *
   * @param {Session | undefined} session
   */
  #addRowInReach(session) {
    const { state, done, floor, query, filter } = this.listing;
    if (!session || state !== 'ready') return;
    const inReach = done || (floor !== null && byActivity(session, floor) <= 0);
    if (inReach && (query ? matchesSearch(session, this.listing) : matchesFilter(session, filter)))
      this.#addRow(session);
  }

  /** @param {Session} session */
  #addRow(session) {
    const { rows, members } = this.listing;
    if (members.has(session.id)) return;
    members.add(session.id);
    rows.splice(insertionIndex(rows, session, byActivity), 0, session);
  }

  /** @param {Session} session as it stands in the list */
  #removeRow(session) {
    const { rows, members } = this.listing;
    members.delete(session.id);
    const index = insertionIndex(rows, session, byActivity);
    if (rows[index]?.id === session.id) rows.splice(index, 1);
  }
}

/**
 * Compare two sessions in the order of the list: newest activity first, as the server pages it.
 *
 * @param {Pick<Session, 'id' | 'lastActivity'>} a
 * @param {Pick<Session, 'id' | 'lastActivity'>} b
 */
export function byActivity(a, b) {
  if (a.lastActivity !== b.lastActivity) return a.lastActivity < b.lastActivity ? 1 : -1;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

/**
 * Return a session after a new message.
 *
 * @param {Session} session
 * @param {Message} message
 * @returns {Session}
 */
export function withMessage(session, message) {
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
 * Return what an event that carries neither session nor message changes in its session.
 *
 * @param {Frame} frame
 * @returns {Partial<Session> | null}
 */
export function sessionChange(frame) {
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
      return { aiEnabled: frame.enabled, aiHandedOver: undefined, ...(!frame.enabled && { aiActive: false }) };
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
 * @param {Filter} filter
 * @param {string} query
 * @returns {Listing}
 */
function newListing(filter, query) {
  return {
    filter,
    query,
    rows: [],
    members: new Set(),
    cursor: null,
    floor: null,
    state: 'empty',
    done: false,
    matches: new Map(),
  };
}

/** @param {Session} session */
function isWaiting(session) {
  return session.unanswered && session.status === 'active' && session.lastMessage !== null;
}

/**
 * Return which of the filters a session belongs to.
 *
 * @param {Session} session
 */
function stateOf(session) {
  if (!session.lastMessage) return '';
  return isWaiting(session) ? 'unanswered' : session.status;
}

/**
 * @param {Session} session
 * @param {Filter} filter
 */
function matchesFilter(session, filter) {
  if (!session.lastMessage) return false;
  if (filter === 'open') return session.status === 'active';
  if (filter === 'closed') return session.status === 'closed';
  return filter === 'all' || isWaiting(session);
}

/**
 * Tell whether what is known of a session contains the query; only the server can search older messages.
 *
 * @param {Session} session
 * @param {Listing} listing
 */
function matchesSearch(session, listing) {
  const { identity, lastMessage } = session;
  const text = [identity?.name, identity?.email, lastMessage?.content].join('\n').toLowerCase();
  return matchesFilter(session, listing.filter) && text.includes(listing.query.toLowerCase());
}
