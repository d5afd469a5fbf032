/** Asks the server for what no event brings, and hands it to the store. */

import { Refused, passes } from './api.js';

/** @typedef {import('./types.js').Filter} Filter */
/** @typedef {import('./types.js').Fact} Fact */
/** @typedef {import('./types.js').PageVisit} PageVisit */
/** @typedef {import('./store/store.js').Store} Store */

const PAGE = 50;
const WAITING_PAGE = 100;
/** Milliseconds in which changes gather before the sessions are counted again. */
const COUNT_AFTER = 400;
/** How many messages are loaded before and after one that is far from the newest. */
const PART = 30;
/** Milliseconds in which stale sessions gather before they are asked for again. */
const GATHER = 150;

/**
 * @typedef {object} LoaderEvents
 * @property {(error: unknown, options?: {quiet?: boolean}) => void} failed
 * @property {(sessionId: string, state: 'loading' | 'ready' | 'failed' | 'gone') => void} conversation
 * @property {(sessionId: string, found: {facts?: Fact[] | null, pages?: PageVisit[]}) => void} details facts: null if
 *   they could not be loaded
 * @property {(hasMore: boolean) => void} waiting whether more sessions wait for a reply than were loaded
 */

export class Loader {
  /**
   * @param {Store} store
   * @param {import('./api.js').Api} api
   * @param {LoaderEvents} events
   */
  constructor(store, api, events) {
    this.store = store;
    this.api = api;
    this.events = events;
    this.loadingMore = false;
    /** Ids of the sessions whose older messages are on their way. @type {Set<string>} */
    this.loadingOlder = new Set();
    /** And those whose newer ones are. @type {Set<string>} */
    this.loadingNewer = new Set();
    this.refreshing = 0;
    this.counting = 0;
    store.on('states', () => this.countSoon());
  }

  // Sessions

  /**
   * Load the first page of a list.
   *
   * @param {Filter} filter
   * @param {string} query
   */
  async loadList(filter, query) {
    await this.#loadPage(this.store.sessions.list(filter, query));
  }

  async loadMore() {
    const { listing } = this.store.sessions;
    if (this.loadingMore || listing.done || listing.state !== 'ready') return;
    this.loadingMore = true;
    await this.#loadPage(listing);
    this.loadingMore = false;
  }

  /** @param {import('./store/sessions.js').Listing} listing */
  async #loadPage(listing) {
    const { filter, query, cursor } = listing;
    const since = this.store.moment;
    try {
      const page = await this.api.call('GET', '/sessions', {
        query: { ...filterQuery(filter), q: query, cursor: cursor ?? undefined, limit: PAGE },
      });
      this.store.takePage(listing, page, since);
    } catch (error) {
      this.events.failed(error, { quiet: true });
      if (listing.rows.length) return;
      listing.state = 'failed';
      this.store.emit('list');
    }
  }

  /** Load the sessions that wait for a reply, for the count in the title. */
  async loadWaiting() {
    const since = this.store.moment;
    let hasMore;
    try {
      const query = { ...filterQuery('unanswered'), limit: WAITING_PAGE };
      const page = await this.api.call('GET', '/sessions', { query });
      hasMore = page.nextCursor !== null;
      this.store.takeSessions(page.sessions, since);
    } catch (error) {
      this.events.failed(error, { quiet: true });
    }
    if (hasMore !== undefined) this.events.waiting(hasMore);
  }

  /** Load how many sessions there are in each state. */
  async loadCounts() {
    try {
      this.store.takeCounts(await this.api.call('GET', '/sessions/counts'));
    } catch (error) {
      this.events.failed(error, { quiet: true });
    }
  }

  /** Load the counts again, a moment later: many changes make one request. */
  countSoon() {
    this.counting ||= window.setTimeout(() => {
      this.counting = 0;
      void this.loadCounts();
    }, COUNT_AFTER);
  }

  /** Load the stale sessions again, a moment later: many events make one request a session. */
  refreshSoon() {
    this.refreshing ||= window.setTimeout(() => {
      this.refreshing = 0;
      void this.#refresh();
    }, GATHER);
  }

  async #refresh() {
    const { store } = this;
    const ids = [...store.stale];
    store.stale.clear();
    for (const id of ids) {
      const since = store.moment;
      try {
        const answer = await this.api.call('GET', sessionPath(id));
        store.takeSession(answer.session, since);
        store.deliveries.takePlace(id, answer);
      } catch (error) {
        if (passes(error)) store.stale.add(id);
        this.events.failed(error, { quiet: true });
      }
    }
  }

  // One conversation

  /** @param {string} sessionId */
  async loadConversation(sessionId) {
    const path = sessionPath(sessionId);
    const since = this.store.moment;
    const known = this.store.conversations.open(sessionId).loaded;
    this.events.conversation(sessionId, known ? 'ready' : 'loading');
    void this.#loadDetails(sessionId);
    if (known) {
      // What became of its messages on bridges is told by events only while a socket is open.
      if (this.store.deliveries.bridges.length) void this.#loadBridges(sessionId);
      return;
    }
    try {
      const [answer, page] = await Promise.all([
        this.api.call('GET', path),
        this.api.call('GET', `${path}/messages`, { query: { limit: PAGE } }),
      ]);
      this.store.takeSession(answer.session, since);
      this.store.deliveries.takePlace(sessionId, answer);
      this.store.takeMessages(sessionId, page.messages, page.hasMore, since);
      this.store.takeSessionNotes(answer.session);
      this.events.conversation(sessionId, 'ready');
    } catch (error) {
      this.events.failed(error, { quiet: true });
      // Another request may have been faster.
      if (this.store.conversations.get(sessionId)?.loaded) return;
      const gone = error instanceof Refused && error.status === 404;
      this.events.conversation(sessionId, gone ? 'gone' : 'failed');
    }
  }

  /**
   * Load where a conversation is on bridges, and what became of its newest messages there.
   *
   * @param {string} sessionId
   */
  async #loadBridges(sessionId) {
    const since = this.store.moment;
    try {
      const answer = await this.api.call('GET', sessionPath(sessionId));
      this.store.takeSession(answer.session, since);
      this.store.deliveries.takePlace(sessionId, answer);
    } catch (error) {
      this.events.failed(error, { quiet: true });
    }
    const seqs = (this.store.conversations.get(sessionId)?.messages ?? []).slice(-PAGE).map(({ seq }) => seq);
    if (seqs[0]) await this.loadDeliveries(sessionId, seqs[0]);
  }

  /**
   * Load what became of messages on bridges.
   *
   * @param {string} sessionId
   * @param {number} seq of the first message
   */
  async loadDeliveries(sessionId, seq) {
    const since = this.store.moment;
    try {
      const query = { after: seq - 1, limit: 100 };
      const page = await this.api.call('GET', `${sessionPath(sessionId)}/messages`, { query });
      this.store.deliveries.takePage(sessionId, page.messages, since);
      this.store.emit('conversation', sessionId);
    } catch (error) {
      this.events.failed(error, { quiet: true });
    }
  }

  /** @param {string} sessionId */
  async loadOlder(sessionId) {
    const conversation = this.store.conversations.get(sessionId);
    const first = conversation?.messages[0];
    if (this.loadingOlder.has(sessionId) || !first || !conversation?.hasMore) return;
    this.loadingOlder.add(sessionId);
    const since = this.store.moment;
    try {
      const query = { before: first.seq, limit: PAGE };
      const page = await this.api.call('GET', `${sessionPath(sessionId)}/messages`, { query });
      // Another part may be shown by now.
      if (this.store.conversations.get(sessionId)?.messages[0]?.id === first.id)
        this.store.takeMessages(sessionId, page.messages, page.hasMore, since);
    } catch (error) {
      this.events.failed(error);
    }
    this.loadingOlder.delete(sessionId);
  }

  /**
   * Load a message that is far from the newest ones, and what is around it.
   *
   * @param {string} sessionId
   * @param {string} messageId
   */
  async loadAround(sessionId, messageId) {
    const path = `${sessionPath(sessionId)}/messages`;
    const since = this.store.moment;
    try {
      const older = await this.api.call('GET', path, { query: { before: messageId, limit: PART } });
      const last = older.messages[older.messages.length - 1];
      const query = { after: last?.seq ?? 0, limit: PART };
      const newer = await this.api.call('GET', path, { query });
      const more = { hasOlder: older.hasMore, hasNewer: newer.hasMore };
      this.store.takePart(sessionId, [...older.messages, ...newer.messages], more, since);
    } catch (error) {
      const unknown = error instanceof Refused && error.status === 400;
      this.events.failed(unknown ? new Refused(404, { code: 'MESSAGE_NOT_FOUND' }) : error);
    }
  }

  /**
   * Load what follows the older part of a conversation that is shown, if one is.
   *
   * @param {string} sessionId
   */
  async loadNewer(sessionId) {
    const after = this.store.conversations.get(sessionId)?.gapAfter ?? null;
    if (after === null || this.loadingNewer.has(sessionId)) return;
    this.loadingNewer.add(sessionId);
    const since = this.store.moment;
    try {
      const query = { after, limit: PAGE };
      const page = await this.api.call('GET', `${sessionPath(sessionId)}/messages`, { query });
      // Another part may be shown by now.
      if (this.store.conversations.get(sessionId)?.gapAfter === after)
        this.store.takeNewer(sessionId, page.messages, page.hasMore, since);
    } catch (error) {
      this.events.failed(error);
    }
    this.loadingNewer.delete(sessionId);
  }

  /** @param {string} sessionId */
  async #loadDetails(sessionId) {
    await Promise.allSettled([this.#loadPages(sessionId), this.loadFacts(sessionId)]);
  }

  /** @param {string} sessionId */
  async #loadPages(sessionId) {
    const { pages } = await this.api.call('GET', `${sessionPath(sessionId)}/pages`, { query: { limit: 50 } });
    this.store.takePages(sessionId, pages);
    this.events.details(sessionId, { pages });
  }

  /**
   * Load the customer data that the site has of the visitor.
   *
   * @param {string} sessionId
   */
  async loadFacts(sessionId) {
    try {
      const { context } = await this.api.call('GET', `${sessionPath(sessionId)}/context`);
      this.events.details(sessionId, { facts: context });
    } catch (error) {
      if (!(error instanceof Refused && error.status === 404)) this.events.details(sessionId, { facts: null });
    }
  }

  // The team

  async loadOperators() {
    const before = this.store.operators;
    try {
      const { operators } = await this.api.call('GET', '/operators');
      // An event that came meanwhile is newer.
      if (this.store.operators === before) this.store.takeOperators(operators);
    } catch (error) {
      this.events.failed(error, { quiet: true });
    }
  }
}

/** @param {string} sessionId */
const sessionPath = (sessionId) => `/sessions/${encodeURIComponent(sessionId)}`;

/** @param {Filter} filter */
function filterQuery(filter) {
  const started = true;
  if (filter === 'open') return { started, status: 'active' };
  if (filter === 'closed') return { started, status: 'closed' };
  return filter === 'unanswered' ? { started, unanswered: true, status: 'active' } : { started };
}
