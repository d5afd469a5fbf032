/** Wires the parts of the inbox together, and shows the pane that the page's address names. */

import { Actions } from './actions.js';
import { AIWatch } from './aiWatch.js';
import { Api, SignedOut } from './api.js';
import { Connection } from './connection.js';
import { ConversationPane } from './conversation.js';
import { DeliveryWatch } from './deliveryWatch.js';
import { DetailsPane } from './details.js';
import { Frame } from './frame.js';
import { listenToKeys } from './keys.js';
import { ListPane } from './list.js';
import { Loader } from './loader.js';
import { Notifier } from './notify.js';
import { Outbox } from './outbox.js';
import { openPreferences } from './preferencesDialog.js';
import { recall, remember } from './preferences.js';
import { Receipts } from './receipts.js';
import { Router } from './router.js';
import { SavedReplies } from './savedReplies.js';
import { openSavedReplies } from './savedRepliesDialog.js';
import { SignIn } from './signIn.js';
import { StatsPane } from './stats.js';
import { Store } from './store/store.js';
import { texts } from './texts.js';

/** @typedef {import('./connection.js').ConnectionState} ConnectionState */

/** Milliseconds after which sessions that could not be loaded are asked for again. */
const RETRY_AFTER = 10_000;
const narrow = matchMedia('(max-width: 760px)');
const wide = matchMedia('(min-width: 1180px)');

export class App {
  /**
   * @param {string} base the path of the extension, without a slash at its end
   * @param {string[]} transports those that the server carries
   * @param {string} project the one that the page's address names, '' if it names none
   * @param {string} site the address of the site
   */
  constructor(base, transports, project, site) {
    this.site = site;
    this.store = new Store();
    this.api = new Api(base, project);
    this.router = new Router(base, project, () => this.navigated());
    this.route = this.router.route();
    this.savedReplies = new SavedReplies(this.api);
    this.outbox = new Outbox(this.store, this.api, () => this.showSignedOut());
    const openSession = () => (this.route.screen === 'conversation' ? this.route.sessionId : '');
    this.actions = new Actions({
      store: this.store,
      api: this.api,
      openSession: () => this.route.sessionId,
      onSignedOut: () => this.showSignedOut(),
      onFailure: (text) => this.frame.showToast(text),
      onDecided: () => this.aiWatch.soon(),
    });
    this.aiWatch = new AIWatch({
      store: this.store,
      api: this.api,
      openSession,
      failed: (error, options) => this.actions.failed(error, options),
    });
    this.loader = new Loader(this.store, this.api, {
      failed: (error, options) => this.actions.failed(error, options),
      conversation: (sessionId, state) => this.conversationLoaded(sessionId, state),
      details: (sessionId, found) => this.details.take(sessionId, found),
      waiting: (hasMore) => this.notifier.setMore(hasMore),
    });
    this.deliveryWatch = new DeliveryWatch({
      store: this.store,
      openSession,
      load: (sessionId, seq) => this.loader.loadDeliveries(sessionId, seq),
    });
    this.signIn = new SignIn({
      api: this.api,
      onToken: (token) => this.signedIn(token),
      onRenewed: (token) => this.connection.renew(token),
      onSignedOut: () => this.showSignedOut(),
    });
    this.connection = new Connection({
      api: this.api,
      transports,
      url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${base}/ws`,
      token: (fresh) => this.signIn.token(fresh),
      available: () => this.available,
      onFrame: (frame) => this.receive(frame),
      onState: (state) => this.connectionChanged(state),
      isSignedOut: (error) => error instanceof SignedOut,
    });
    this.notifier = new Notifier(this.store, { openSession, open: (sessionId) => this.open(sessionId) });
    this.receipts = new Receipts(this.store, this.api, openSession);
    this.list = new ListPane(this);
    this.conversation = new ConversationPane(this);
    this.details = new DetailsPane(this);
    this.stats = new StatsPane(this);
    this.frame = new Frame({
      router: this.router,
      list: this.list.element,
      middle: [this.conversation.element, this.stats.element],
      details: this.details.element,
      onSavedReplies: () => void openSavedReplies(this.savedReplies, this.actions),
      onPreferences: () => openPreferences(this),
    });
    /** Whether anything was asked for, and whether that was after the events began. */
    this.begun = false;
    this.started = false;
  }

  /** Show the page, connect, and keep both up to date. */
  start() {
    const { store } = this;
    store.on('stale', () => this.loader.refreshSoon());
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
    setInterval(() => {
      store.typing.expire();
      store.growing.expire();
    }, 1000);
    setInterval(() => navigator.onLine && store.stale.size && this.loader.refreshSoon(), RETRY_AFTER);
    visualViewport?.addEventListener('resize', () => this.frame.fitKeyboard(narrow.matches));
    for (const width of [narrow, wide]) width.addEventListener('change', () => this.showDetails());
    this.navigated();
    this.connection.start();
  }

  // Navigation

  /** Show what the page's address names. */
  navigated() {
    const before = this.route;
    this.route = this.router.route();
    const { screen, sessionId } = this.route;
    const { dataset } = this.frame.root;
    const other = screen !== before.screen || sessionId !== before.sessionId || !dataset.screen;
    // Going back from the details, the operator has seen it.
    const { messageId } = this.route;
    const jumps = messageId && (other || (messageId !== before.messageId && !before.details));
    this.conversation.element.hidden = screen === 'stats';
    this.stats.element.hidden = screen !== 'stats';
    this.frame.setCurrent(screen);
    this.showDetails();
    if (other) this.conversation.show(sessionId);
    if (jumps) this.conversation.jumpTo(messageId);
    if (!other) return;
    this.details.show(sessionId);
    this.list.render();
    if (screen === 'stats') void this.stats.load();
    if (sessionId && this.begun) void this.loader.loadConversation(sessionId);
    // The first time the operator has gone nowhere yet.
    if (dataset.navigated) this.moveFocus(before);
    dataset.navigated = 'yes';
  }

  /**
   * Move the focus to what is shown now.
   *
   * @param {import('./router.js').Route} before
   */
  moveFocus(before) {
    const { screen, sessionId } = this.route;
    if (screen === 'stats') this.stats.title.focus();
    else if (screen === 'conversation' && !narrow.matches) this.conversation.composer?.focus();
    else if (screen === 'conversation') this.conversation.head.element.querySelector('h2')?.focus();
    else if (before.sessionId) this.list.rows.focus(this.list.rows.rows.findIndex(({ id }) => id === before.sessionId));
    if (sessionId) this.receipts.plan();
  }

  /**
   * @param {string} sessionId
   * @param {string} [messageId] the message to bring into view
   */
  open(sessionId, messageId = '') {
    const isConversation = this.route.screen === 'conversation';
    if (sessionId === this.route.sessionId && isConversation) {
      this.conversation.composer?.focus();
      if (messageId && messageId === this.route.messageId) this.conversation.jumpTo(messageId);
    }
    // On a wide screen conversations stand beside the list, so one takes the other's place in the history.
    const address = this.router.conversation(sessionId, messageId);
    this.router.go(address, { replace: !narrow.matches && isConversation });
  }

  // Details: always shown where there is room, elsewhere when asked for

  detailsShown() {
    if (this.route.screen !== 'conversation') return false;
    return this.route.details || (wide.matches && recall('details') !== 'hidden');
  }

  toggleDetails() {
    const { sessionId, details } = this.route;
    if (!sessionId) return;
    if (wide.matches) {
      remember('details', this.detailsShown() ? 'hidden' : null);
      if (details) return this.router.go(this.router.conversation(sessionId), { replace: true });
    } else if (details) this.router.up();
    else return this.router.go(`${this.router.conversation(sessionId)}#details`);
    this.showDetails();
  }

  showDetails() {
    const shown = this.detailsShown();
    const { dataset } = this.frame.root;
    dataset.screen = shown && !wide.matches ? 'details' : this.route.screen;
    dataset.details = shown ? 'shown' : 'hidden';
    this.details.element.hidden = !shown;
    this.conversation.renderHead();
    if (shown && !wide.matches) this.details.element.querySelector('button')?.focus();
  }

  // Connection

  /** @param {import('./types.js').Frame} frame */
  receive(frame) {
    this.store.apply(frame);
    this.aiWatch.receive(frame);
    // The site may know more of a visitor who has signed in.
    if (frame.type === 'visitor.identified' && frame.sessionId === this.route.sessionId)
      void this.loader.loadFacts(frame.sessionId);
  }

  /** @param {ConnectionState} state */
  connectionChanged(state) {
    // Without events a page that may be outdated is better than none; the connection is tried on.
    if (state === 'lost' && !this.begun && this.api.token) void this.loadFirst();
    this.paintBar();
    if (state === 'signed out') return this.showSignedOut();
    if (state !== 'open') return;
    void this.loader.loadOperators();
    this.outbox.flush();
    this.aiWatch.soon();
    if (this.started) return;
    this.started = true;
    // Events may be missing between what was loaded before and the first event.
    this.store.begin();
    void this.loadFirst();
  }

  /** Load what is shown first, once events come, so that nothing falls between. */
  async loadFirst() {
    const { sessionId } = this.route;
    this.begun = true;
    await Promise.all([
      this.list.load(),
      this.loader.loadWaiting(),
      this.loader.loadCounts(),
      sessionId && this.loader.loadConversation(sessionId),
    ]);
  }

  /**
   * @param {string} sessionId
   * @param {'loading' | 'ready' | 'failed' | 'gone'} state
   */
  conversationLoaded(sessionId, state) {
    if (sessionId !== this.route.sessionId) return;
    this.conversation.setState(state);
    if (state !== 'ready') return;
    this.receipts.plan();
    this.aiWatch.soon();
  }

  comeBack() {
    this.paintBar();
    this.connection.hurry();
    this.outbox.flush();
  }

  paintBar() {
    const { state } = this.connection;
    const lost = this.begun ? texts.reconnecting : texts.startFailed;
    const text = !navigator.onLine ? texts.offlineBar : state === 'lost' ? lost : '';
    this.frame.setBar(text);
    document.body.dataset.connection = text ? 'lost' : state;
  }

  // The operator

  /** @param {import('./api.js').Token} token */
  signedIn({ operator, project, projects, capabilities }) {
    const first = !this.store.me;
    this.store.takeMe(operator, capabilities);
    if (!first) return;
    this.outbox.restore(project.id);
    this.list.paintProjects(project, projects);
  }

  showSignedOut() {
    this.connection.stop();
    this.signIn.stop();
    if (this.api.refusesProject) this.frame.showNoAccess(Boolean(this.api.project));
    else this.frame.showSignedOut();
  }

  paintMe() {
    this.frame.paintMe(this.store, this.available);
  }

  get available() {
    return recall('available') !== 'no';
  }

  /** @param {boolean} available */
  setAvailable(available) {
    remember('available', available ? null : 'no');
    this.tellAvailable();
  }

  /**
   * An operator who is away in one tab is away in all of them.
   *
   * @param {string | null} key of what was changed; null: everything
   */
  followOtherTabs(key) {
    if (!key || key.endsWith(':available')) this.tellAvailable();
  }

  tellAvailable() {
    this.connection.send({ type: 'available', available: this.available });
    this.paintMe();
  }
}
