/** What holds the inbox together: it loads, listens, acts, and shows the pane that the address names. */

import { Api, Refused, SignedOut, passes } from './api.js';
import { openManager } from './canned.js';
import { Connection } from './connection.js';
import { ConversationPane } from './conversation.js';
import { DetailsPane } from './details.js';
import { openShortcuts } from './dialogs.js';
import { announce, announcements, el, fill, setAttribute } from './dom.js';
import { initials, tint } from './format.js';
import { icon } from './icons.js';
import { listenToKeys } from './keys.js';
import { ListPane } from './list.js';
import { Notifier } from './notify.js';
import { Outbox } from './outbox.js';
import { recall, remember } from './preferences.js';
import { Receipts } from './receipts.js';
import { Router } from './router.js';
import { openSettings } from './settings.js';
import { StatsPane } from './stats.js';
import { Store, noteKey } from './store.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Filter} Filter */
/** @typedef {import('./types.js').Message} Message */
/** @typedef {import('./types.js').CannedAnswer} CannedAnswer */
/** @typedef {import('./connection.js').ConnectionState} ConnectionState */

const PAGE = 50;
const WAITING_PAGE = 100;
/** Milliseconds in which sessions gather that have to be asked for again. */
const GATHER = 150;
/** The token is renewed when this share of its life is over. */
const RENEW_AT = 0.5;
/** Milliseconds until something that could not be had from the server is asked for again. */
const ASK_AGAIN = 10_000;
const narrow = matchMedia('(max-width: 760px)');
const roomy = matchMedia('(min-width: 1180px)');

export class App {
  /**
   * @param {string} base where the extension is, without a slash at its end
   * @param {string[]} transports those that the server carries
   */
  constructor(base, transports) {
    this.store = new Store();
    this.api = new Api(base);
    this.router = new Router(base, () => this.moved());
    this.place = this.router.place();
    this.outbox = new Outbox(this.store, this.api, () => this.showSignedOut());
    this.connection = new Connection({
      api: this.api,
      transports,
      url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${base}/ws`,
      token: async (fresh) => this.signedIn(await this.api.signIn({ fresh })).token,
      available: () => this.available,
      onFrame: (frame) => {
        this.store.apply(frame);
        if (frame.type === 'visitor.identified' && frame.sessionId === this.place.sessionId)
          void this.loadFacts(frame.sessionId);
      },
      onState: (state) => this.connectionChanged(state),
      isSignedOut: (error) => this.isSignedOut(error),
    });
    const openSession = () => (this.place.screen === 'conversation' ? this.place.sessionId : '');
    this.notifier = new Notifier(this.store, { openSession, open: (sessionId) => this.open(sessionId) });
    this.receipts = new Receipts(this.store, this.api, openSession);
    this.list = new ListPane(this);
    this.conversation = new ConversationPane(this);
    this.details = new DetailsPane(this);
    this.stats = new StatsPane(this);
    /** @type {Promise<CannedAnswer[]> | null} */
    this.known = null;
    this.loadingMore = false;
    /** Conversations whose older messages are asked for. @type {Set<string>} */
    this.loadingOlder = new Set();
    /** Whether something was asked for, and whether it was behind a subscription. */
    this.begun = false;
    /** Whether an AI answers at all, once that is known. @type {boolean | undefined} */
    this.hasAssistant = undefined;
    this.started = false;
    this.renewal = 0;
    this.refreshing = 0;
    this.bar = el('div', { class: 'bar', role: 'status' });
    this.problem = el('div', { class: 'toast', role: 'alert', hidden: true });
    this.build();
  }

  get available() {
    return recall('available') !== 'no';
  }

  // The page

  build() {
    this.me = el(
      'button',
      {
        type: 'button',
        class: 'me',
        'aria-label': texts.preferences,
        title: texts.preferences,
        onClick: () => openSettings(this),
      },
      icon('gear'),
    );
    const link = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ href) =>
      el(
        'a',
        {
          href,
          class: 'rail-item',
          'data-name': name,
          onClick: (/** @type {MouseEvent} */ event) => this.follow(event, href),
        },
        icon(name),
        el('span', {}, label),
      );
    this.rail = el(
      'nav',
      { class: 'rail', 'aria-label': texts.mainNavigation },
      el('button', { type: 'button', class: 'skip', onClick: () => this.middle?.focus() }, texts.skipToConversation),
      link('chats', texts.inbox, this.router.root),
      link('stats', texts.statistics, this.router.stats),
      el(
        'button',
        { type: 'button', class: 'rail-item', onClick: () => void openManager(this) },
        icon('bolt'),
        el('span', {}, texts.answers),
      ),
      this.me,
    );
    this.middle = el('div', { class: 'middle', tabindex: -1 }, this.conversation.element, this.stats.element);
    const main = el(
      'main',
      { class: 'main' },
      el('h1', { class: 'unseen' }, texts.inbox),
      this.list.element,
      this.middle,
      this.details.element,
    );
    this.root = el('div', { class: 'app' }, this.rail, main);
    document.body.append(this.bar, this.root, this.problem, announcements());
    roomy.addEventListener('change', () => this.showDetails());
    narrow.addEventListener('change', () => this.showDetails());
  }

  start() {
    const { store } = this;
    store.on('stale', () => this.refreshSoon());
    store.on('operators', () => this.paintMe());
    listenToKeys(this);
    addEventListener('online', () => this.comeBack());
    addEventListener('offline', () => this.paintBar());
    addEventListener('pageshow', () => this.connection.hurry());
    addEventListener('pagehide', () => this.connection.pause());
    document.addEventListener(
      'visibilitychange',
      () => document.visibilityState === 'visible' && this.connection.hurry(),
    );
    addEventListener('beforeunload', (event) => this.outbox.isBusy && event.preventDefault());
    addEventListener('storage', ({ key }) => this.followOtherTabs(key));
    setInterval(() => store.endTyping(), 1000);
    setInterval(() => navigator.onLine && this.catchUp(), ASK_AGAIN);
    visualViewport?.addEventListener('resize', () => this.fitKeyboard());
    this.moved();
    this.connection.start();
  }

  /** Some phones lay their keyboard over the page; the composer must stand above it. */
  fitKeyboard() {
    const height = visualViewport?.height ?? innerHeight;
    const covered = narrow.matches && innerHeight - height > 80;
    document.body.style.height = covered ? `${height}px` : '';
    if (covered) scrollTo(0, 0);
  }

  comeBack() {
    this.paintBar();
    this.connection.hurry();
    this.outbox.flush();
  }

  /** Show what the address names. */
  moved() {
    const before = this.place;
    this.place = this.router.place();
    const { screen, sessionId } = this.place;
    const other = screen !== before.screen || sessionId !== before.sessionId || !this.root?.dataset.screen;
    this.conversation.element.hidden = screen === 'stats';
    this.stats.element.hidden = screen !== 'stats';
    for (const item of this.rail?.querySelectorAll('a') ?? []) {
      setAttribute(item, 'aria-current', (item.dataset.name === 'stats') === (screen === 'stats') ? 'page' : null);
    }
    this.showDetails();
    if (!other) return;
    this.conversation.show(sessionId);
    this.details.show(sessionId);
    this.list.render();
    if (screen === 'stats') void this.stats.load();
    if (sessionId && this.begun) void this.loadConversation(sessionId);
    if (before !== this.place && this.root?.dataset.moved) this.focusPlace(before);
    if (this.root) this.root.dataset.moved = 'yes';
  }

  /**
   * Put the focus where the operator has gone.
   *
   * @param {import('./router.js').Place} before
   */
  focusPlace(before) {
    const { screen, sessionId } = this.place;
    if (screen === 'stats') this.stats.title.focus();
    else if (screen === 'conversation' && !narrow.matches) this.conversation.composer?.focus();
    else if (screen === 'conversation') this.conversation.head.querySelector('h2')?.focus();
    else if (before.sessionId) this.list.rows.focus(this.list.rows.rows.findIndex(({ id }) => id === before.sessionId));
    if (sessionId) this.receipts.plan();
  }

  /** @param {string} sessionId */
  open(sessionId) {
    if (sessionId === this.place.sessionId && this.place.screen === 'conversation') this.conversation.composer?.focus();
    // On a wide screen conversations stand beside the list, so one takes the other's place in the history.
    this.router.go(this.router.conversation(sessionId), {
      replace: !narrow.matches && this.place.screen === 'conversation',
    });
  }

  /**
   * @param {MouseEvent} event
   * @param {string} href
   */
  follow(event, href) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.router.go(href);
  }

  // The details beside a conversation: always there where there is room, else when asked for

  detailsShown() {
    if (this.place.screen !== 'conversation') return false;
    return this.place.details || (roomy.matches && recall('details') !== 'hidden');
  }

  toggleDetails() {
    const { sessionId, details } = this.place;
    if (!sessionId) return;
    if (roomy.matches) {
      remember('details', this.detailsShown() ? 'hidden' : null);
      if (details) return this.router.go(this.router.conversation(sessionId), { replace: true });
    } else if (details) this.router.up();
    else return this.router.go(`${this.router.conversation(sessionId)}#details`);
    this.showDetails();
  }

  showDetails() {
    const shown = this.detailsShown();
    const { screen } = this.place;
    if (!this.root) return;
    this.root.dataset.screen = shown && !roomy.matches ? 'details' : screen;
    this.root.dataset.details = shown ? 'shown' : 'hidden';
    this.details.element.hidden = !shown;
    this.conversation.renderHead();
    if (shown && !roomy.matches) this.details.element.querySelector('button')?.focus();
  }

  // Connection

  /** @param {ConnectionState} state */
  connectionChanged(state) {
    // Where no event gets through, what is there is better than nothing; the connection is tried on.
    if (state === 'lost' && !this.begun && this.api.token) void this.loadFirst();
    this.paintBar();
    if (state === 'signed out') return this.showSignedOut();
    if (state !== 'open') return;
    void this.loadOperators();
    this.outbox.flush();
    if (this.started) return;
    this.started = true;
    // What was read before the subscription may have a gap behind it.
    this.store.begin();
    void this.loadFirst();
  }

  /** What no event brings: it is asked for behind the subscription, so that nothing falls between. */
  async loadFirst() {
    const { sessionId } = this.place;
    this.begun = true;
    await Promise.all([this.loadList(), this.loadWaiting(), sessionId && this.loadConversation(sessionId)]);
  }

  /** What could not be had before, and no event tells again. */
  catchUp() {
    if (this.store.stale.size) this.refreshSoon();
  }

  paintBar() {
    const { state } = this.connection;
    const text = !navigator.onLine
      ? texts.offlineBar
      : state === 'lost'
        ? this.begun
          ? texts.reconnecting
          : texts.startFailedText
        : '';
    if (this.bar.textContent !== text) this.bar.textContent = text;
    document.body.dataset.connection = text ? 'lost' : state;
  }

  /** @param {import('./api.js').Token} token */
  signedIn(token) {
    const first = !this.store.me;
    this.store.me = token.operator;
    if (first) this.outbox.restore();
    this.paintMe();
    clearTimeout(this.renewal);
    const left = token.goodUntil - Date.now();
    this.renewal = window.setTimeout(() => void this.renew(), Math.max(1000, left * RENEW_AT));
    return token;
  }

  async renew() {
    try {
      const { token } = this.signedIn(await this.api.signIn({ fresh: true }));
      this.connection.renew(token);
    } catch (error) {
      if (this.isSignedOut(error)) this.showSignedOut();
      else this.renewal = window.setTimeout(() => void this.renew(), 10_000);
    }
  }

  /** @param {unknown} error */
  isSignedOut(error) {
    return error instanceof SignedOut;
  }

  showSignedOut() {
    this.connection.stop();
    clearTimeout(this.renewal);
    if (document.querySelector('.signed-out')) return;
    const button = el(
      'button',
      { type: 'button', class: 'button primary', onClick: () => location.reload() },
      texts.signedOutButton,
    );
    const shown = el(
      'dialog',
      { class: 'dialog signed-out', 'aria-labelledby': 'signed-out' },
      el(
        'div',
        { class: 'dialog-body' },
        el('h2', { id: 'signed-out' }, texts.signedOutTitle),
        el('p', {}, texts.signedOutText),
        el('div', { class: 'dialog-actions' }, button),
      ),
    );
    shown.addEventListener('cancel', (event) => event.preventDefault());
    document.body.append(shown);
    shown.showModal();
  }

  paintMe() {
    const { me, operators } = this.store;
    if (!this.me || !me) return;
    const others = operators.filter(({ id }) => id !== me.id).length;
    this.me.setAttribute(
      'aria-label',
      `${me.name}, ${this.available ? texts.available : texts.away}. ${texts.preferences}`,
    );
    this.me.dataset.available = String(this.available);
    fill(
      this.me,
      el(
        'span',
        { class: 'avatar', 'data-tint': tint(me.id), 'aria-hidden': 'true' },
        initials(me.name),
        el('span', { class: this.available ? 'dot' : 'dot is-away' }),
      ),
      others > 0 && el('span', { class: 'others', title: texts.operatorsOnline(operators.length) }, `+${others}`),
      el('span', { class: 'me-name' }, texts.you),
    );
  }

  /** @param {boolean} available */
  setAvailable(available) {
    remember('available', available ? null : 'no');
    this.connection.send({ type: 'available', available });
    this.paintMe();
  }

  /**
   * Somebody who is away in one tab is away in all of them.
   *
   * @param {string | null} key what was changed; null: all of it
   */
  followOtherTabs(key) {
    if (key && !key.endsWith(':available')) return;
    this.connection.send({ type: 'available', available: this.available });
    this.paintMe();
  }

  // Loading

  /**
   * @param {Filter} [filter]
   * @param {string} [query]
   */
  async loadList(filter = this.store.listing.filter, query = this.store.listing.query) {
    const listing = this.store.list(filter, query);
    this.list.rows.element.scrollTop = 0;
    await this.loadPage(listing);
  }

  async loadMore() {
    const { listing } = this.store;
    if (this.loadingMore || listing.done || listing.state !== 'ready') return;
    this.loadingMore = true;
    await this.loadPage(listing);
    this.loadingMore = false;
  }

  /** @param {import('./store.js').Listing} listing */
  async loadPage(listing) {
    const { filter, query, cursor } = listing;
    const since = this.store.moment;
    try {
      const page = await this.api.call('GET', '/sessions', {
        query: { ...filterQuery(filter), q: query, cursor: cursor ?? undefined, limit: PAGE },
      });
      this.store.takePage(listing, page, since);
    } catch (error) {
      this.failed(error, { quiet: true });
      if (listing.rows.length) return;
      listing.state = 'failed';
      this.store.emit('list');
    }
  }

  /** Those who wait for an answer, for the count in the title. */
  async loadWaiting() {
    const since = this.store.moment;
    try {
      const page = await this.api.call('GET', '/sessions', {
        query: { ...filterQuery('unanswered'), limit: WAITING_PAGE },
      });
      this.notifier.more = page.nextCursor !== null;
      this.store.takeSessions(page.sessions, since);
    } catch (error) {
      this.failed(error, { quiet: true });
    }
    this.notifier.title();
  }

  async loadOperators() {
    const before = this.store.operators;
    try {
      const [{ operators }, { aiEnabled }] = await Promise.all([
        this.api.call('GET', '/operators'),
        this.api.call('GET', '/presence'),
      ]);
      this.hasAssistant = aiEnabled;
      // Who came or went meanwhile, an event has told.
      if (this.store.operators === before) this.store.takeOperators(operators);
      this.details.paint();
    } catch (error) {
      this.failed(error, { quiet: true });
    }
  }

  /** @param {string} sessionId */
  async loadConversation(sessionId) {
    const path = `/sessions/${encodeURIComponent(sessionId)}`;
    const since = this.store.moment;
    const known = this.store.conversation(sessionId).loaded;
    this.conversation.setState(known ? 'ready' : 'loading');
    void this.loadBeside(sessionId, path);
    if (known) return this.receipts.plan();
    try {
      const [{ session }, page] = await Promise.all([
        this.api.call('GET', path),
        this.api.call('GET', `${path}/messages`, { query: { limit: PAGE } }),
      ]);
      this.store.takeSession(session, since);
      this.store.takeMessages(sessionId, page.messages, page.hasMore);
      this.addKnownNotes(session);
      if (this.place.sessionId === sessionId) this.conversation.setState('ready');
    } catch (error) {
      this.failed(error, { quiet: true });
      // Another try may have been faster.
      if (this.place.sessionId === sessionId && !this.store.conversations.get(sessionId)?.loaded)
        this.conversation.setState(error instanceof Refused && error.status === 404 ? 'gone' : 'failed');
    }
  }

  /**
   * What the log told before this page was opened, as far as the session still says it.
   *
   * @param {import('./types.js').Session} session
   */
  addKnownNotes({ id, csat, csatRequestedAt }) {
    const note = (
      /** @type {import('./types.js').Note['kind']} */ kind,
      /** @type {string | null | undefined} */ at,
      /** @type {string} */ text,
    ) => at && this.store.note(id, { key: noteKey(kind, at), kind, at, text });
    note('asked', csatRequestedAt, texts.notes.asked);
    note('rated', csat?.submittedAt, texts.notes.rated(csat?.score ?? 0, csat?.comment));
    this.store.emit('conversation', id);
  }

  /**
   * The pages that the visitor was on, and what the host's site knows of them.
   *
   * @param {string} sessionId
   * @param {string} path
   */
  async loadBeside(sessionId, path) {
    const pages = this.api.call('GET', `${path}/pages`, { query: { limit: 50 } }).then((answer) => {
      this.store.takePages(sessionId, answer.pages);
      this.details.take(sessionId, { pages: answer.pages });
    });
    await Promise.allSettled([pages, this.loadFacts(sessionId)]);
  }

  /**
   * What the host's site knows of the visitor; more of one who has signed in since.
   *
   * @param {string} sessionId
   */
  async loadFacts(sessionId) {
    try {
      const { context } = await this.api.call('GET', `/sessions/${encodeURIComponent(sessionId)}/context`);
      this.details.take(sessionId, { facts: context });
    } catch (error) {
      if (!(error instanceof Refused && error.status === 404)) this.details.take(sessionId, { facts: null });
    }
  }

  async loadOlder() {
    const { sessionId } = this.place;
    const conversation = this.store.conversations.get(sessionId);
    const first = conversation?.messages[0];
    if (this.loadingOlder.has(sessionId) || !first || !conversation?.hasMore) return;
    this.loadingOlder.add(sessionId);
    try {
      const page = await this.api.call('GET', `/sessions/${encodeURIComponent(sessionId)}/messages`, {
        query: { before: first.seq, limit: PAGE },
      });
      this.store.takeMessages(sessionId, page.messages, page.hasMore);
    } catch (error) {
      this.failed(error);
    }
    this.loadingOlder.delete(sessionId);
  }

  refreshSoon() {
    this.refreshing ||= window.setTimeout(() => {
      this.refreshing = 0;
      void this.refresh();
    }, GATHER);
  }

  /** Ask again for the sessions of which something happened that only the server can tell in full. */
  async refresh() {
    const { store } = this;
    const ids = [...store.stale];
    store.stale.clear();
    for (const id of ids) {
      const since = store.moment;
      try {
        const { session } = await this.api.call('GET', `/sessions/${encodeURIComponent(id)}`);
        store.takeSession(session, since);
      } catch (error) {
        if (passes(error)) store.stale.add(id);
        this.failed(error, { quiet: true });
      }
    }
  }

  /**
   * @param {{fresh?: boolean}} [options]
   * @returns {Promise<CannedAnswer[]>}
   */
  answers({ fresh = false } = {}) {
    if (fresh || !this.known) {
      const asked = this.allAnswers();
      this.known = asked;
      asked.catch(() => this.known === asked && (this.known = null));
    }
    return this.known ?? Promise.resolve([]);
  }

  /** @returns {Promise<CannedAnswer[]>} */
  async allAnswers() {
    /** @type {CannedAnswer[]} */
    const found = [];
    let cursor = '';
    do {
      const page = await this.api.call('GET', `/saved-replies${cursor && `?cursor=${encodeURIComponent(cursor)}`}`);
      found.push(.../** @type {CannedAnswer[]} */ (page.savedReplies));
      cursor = page.nextCursor ?? '';
    } while (cursor);
    return found;
  }

  // Acting

  /**
   * Do something, and tell if it does not work.
   *
   * @template T
   * @param {() => Promise<T>} run
   * @returns {Promise<T | undefined>}
   */
  async act(run) {
    try {
      return await run();
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  /**
   * @param {unknown} error
   * @param {{quiet?: boolean}} [options]
   */
  failed(error, { quiet = false } = {}) {
    if (this.isSignedOut(error)) return this.showSignedOut();
    if (!quiet) this.tell(error instanceof Refused ? error.message : texts.actionFailed);
  }

  /** @param {string} text */
  tell(text) {
    this.problem.hidden = false;
    this.problem.textContent = text;
    setTimeout(() => (this.problem.hidden = true), 6000);
  }

  /** @param {string} what the rest of the path @param {object} [body] */
  async onSession(what, body) {
    const { sessionId } = this.place;
    const since = this.store.moment;
    const answer = await this.act(() =>
      this.api.call('POST', `/sessions/${encodeURIComponent(sessionId)}/${what}`, body && { body }),
    );
    if (answer?.session) this.store.takeSession(answer.session, since);
    return answer;
  }

  async toggleClosed() {
    const session = this.store.sessions.get(this.place.sessionId);
    if (!session) return;
    const closes = session.status === 'active';
    if (await this.onSession(closes ? 'close' : 'reopen'))
      announce(texts.announced[closes ? 'session.closed' : 'session.reopened']);
  }

  /** @param {boolean} enabled */
  setAi(enabled) {
    return this.onSession('ai', { enabled });
  }

  askRating() {
    return this.onSession('csat');
  }

  /**
   * @param {Message} message
   * @param {string} content
   * @returns {Promise<boolean>} whether it was done
   */
  async editMessage(message, content) {
    const answer = await this.act(() => this.api.call('PATCH', messagePath(message), { body: { content } }));
    if (answer) this.store.applyChange(answer.message);
    return Boolean(answer);
  }

  /** @param {Message} message */
  async deleteMessage(message) {
    const answer = await this.act(() => this.api.call('DELETE', messagePath(message)));
    if (answer) this.store.applyChange(answer.message);
  }

  openShortcuts() {
    openShortcuts();
  }
}

/** @param {Message} message */
function messagePath({ sessionId, id }) {
  return `/sessions/${encodeURIComponent(sessionId)}/messages/${encodeURIComponent(id)}`;
}

/** @param {Filter} filter */
function filterQuery(filter) {
  const started = true;
  if (filter === 'open') return { started, status: 'active' };
  if (filter === 'closed') return { started, status: 'closed' };
  return filter === 'unanswered' ? { started, unanswered: true, status: 'active' } : { started };
}
