/** One visitor's conversation: the server, the other tabs of the browser and the view meet here. */

import { textsFor } from './texts.js';
import { ChatElement } from './element.js';
import { isTheirs, Store } from './store.js';
import { Outbox } from './outbox.js';
import { openStorage } from './storage.js';
import { listen } from './stream.js';
import { upload } from './upload.js';
import { openTabs } from './tabs.js';
import { backOff, query, request, RequestError } from './request.js';

/** Longer hidden than this, and the line may have died unseen. */
const ASLEEP = 30000;
const TYPING_TOLD = 3000;
const A_WHILE = 6000;

/** @typedef {(name: string, ...details: any[]) => void} Emit */
/** @typedef {import('./request.js').Call} Call */

/** @param {WidgetConfig} config @param {Emit} emit */
export async function start(config, emit) {
  const language = config.language ?? (document.documentElement.lang || navigator.language);
  const texts = textsFor(language, config.texts);
  if (!document.body) await new Promise((resolve) => addEventListener('DOMContentLoaded', resolve));
  return new Chat(config, emit, texts, language);
}

export class Chat {
  store = new Store();
  /** What the server said when it was connected to. @type {WidgetGreeting} */
  greeting = {};
  opened = false;
  lost = false;
  /** Who types, or nobody. @type {string | undefined} */
  typist;
  /** What did not work. @type {string | undefined} */
  problem;

  #connected = false;
  /** What is stored is a customer's, and who is signed in is not known yet: it is not shown until then. */
  #unsure = false;
  #outbox;
  #tabs;
  /** @type {{handle?: string, visitorId?: string, user?: string, identity?: object}} */
  #stored;
  #view;
  /** @type {ReturnType<typeof listen> | undefined} */
  #line;
  #cursor = '0';
  /** The frames that came while something of the conversation is being read. @type {Set<WidgetFrame[]>} */
  #reads = new Set();
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();
  /** Those who wait for a message to be sent. @type {Map<string, (error?: string, sent?: WidgetSent) => void>} */
  #promised = new Map();
  #tries = 0;
  #written = 0;
  #typingTold = 0;
  #hiddenAt = 0;
  /** @type {Record<string, number>} */
  #timers = {};
  #begun = Date.now();
  #page = location.href;
  #gone = new AbortController();

  /** @param {WidgetConfig} config @param {Emit} emit @param {WidgetTexts} texts @param {string} language */
  constructor(config, emit, texts, language) {
    this.config = config;
    this.texts = texts;
    this.language = language;
    this.emit = emit;
    this.endpoint = new URL(config.endpoint, location.href).href.replace(/\/$/, '');
    const name = `pocketping:${this.endpoint}:`;
    this.storage = openStorage(name);
    this.#outbox = new Outbox(
      this.storage,
      (entry) => this.#deliver(entry),
      (entry, sent) => {
        this.#tabs.tell('sent', { entry, sent });
        this.#settle(entry, sent);
      },
      backOff,
    );
    this.#tabs = openTabs(
      name,
      this.storage.shared,
      (kind, data) => this.#heard(kind, data),
      () => this.#lead(),
    );
    this.#stored = this.storage.get('session') ?? {};
    this.#unsure = Boolean(this.#stored.user);
    this.#view = new ChatElement(this);
    document.body.append(this.#view);
    this.#watch();
    this.#tabs.join();
    this.#showUnsent();
    if (this.#stored.handle || config.identity) this.#keepConnecting();
    if (config.open) this.open();
  }

  /** @type {Call} */
  call = (method, path, fields, signal) =>
    request(method, this.endpoint + path, { sessionId: this.#stored.handle, ...fields }, signal);

  /**
   * What fails is shown to the visitor, and answered by nothing.
   * @param {string} method
   * @param {string} path
   * @param {object} [fields]
   */
  #tried(method, path, fields) {
    return this.call(method, path, fields).catch((error) => this.#showAWhile('problem', this.explain(error)));
  }

  /** What was being written, if whoever is here may see it. */
  get draft() {
    return this.#unsure ? '' : this.storage.get('draft');
  }

  /** What to tell the visitor of an error. @param {any} error */
  explain({ code, message }) {
    return code === 'PAYLOAD_TOO_LARGE' ? this.texts.large : message;
  }

  get reading() {
    return this.opened && !document.hidden;
  }

  open() {
    if (!this.opened) this.toggle();
  }

  close() {
    if (this.opened) this.toggle();
  }

  toggle() {
    this.opened = !this.opened;
    if (this.opened && !this.#connected) this.#keepConnecting();
    this.#tell(this.opened ? 'open' : 'close');
  }

  /**
   * Send a message, now or as soon as the line is there.
   * @param {string} content
   * @param {Partial<WidgetEntry>} [more]
   * @returns {Promise<WidgetSent>}
   */
  sendMessage(content, more) {
    this.#written = Math.max(Date.now(), this.#written + 1);
    const clientId = crypto.getRandomValues(new Uint32Array(4)).join('-');
    const sent = new Promise((resolve, reject) => {
      this.#promised.set(clientId, (error, sent) => (sent ? resolve(sent) : reject(Error(error))));
    });
    sent.catch(() => {});
    this.#post({ ...more, clientId, content, at: this.#written });
    return sent;
  }

  /** @param {WidgetMessage} message one that was refused */
  retry({ clientId }) {
    const entry = this.#outbox.entries.find((one) => one.clientId === clientId);
    if (entry) this.#post({ ...entry, error: undefined });
  }

  /** @param {WidgetMessage} message */
  async remove({ id, seq }) {
    if (seq) {
      const done = await this.#tried('DELETE', `/message/${id}`);
      if (done) this.#apply({ type: 'message_deleted', data: { messageId: id, deletedAt: 'now' } });
    } else {
      this.#outbox.remove(id);
      this.store.remove(id);
      this.#showUnsent();
    }
  }

  /** @param {string} messageId @param {string} content @returns {Promise<boolean>} whether it was changed */
  async edit(messageId, content) {
    const answer = await this.#tried('PATCH', `/message/${messageId}`, { content });
    if (answer) this.#apply({ type: 'message_edited', data: { ...answer.message, messageId } });
    return Boolean(answer);
  }

  /** @returns {Promise<boolean>} whether there was more */
  async loadOlder() {
    const before = this.store.messages.find(({ seq }) => seq)?.id;
    if (!before || !this.greeting.hasMore) return false;
    return this.#read(this.#tried('GET', '/messages', { before }), ({ hasMore, messages }) => {
      this.greeting.hasMore = hasMore;
      this.#take(messages);
    });
  }

  /** @param {File} file @param {(share: number) => void} onProgress @param {AbortSignal} signal */
  async upload(file, onProgress, signal) {
    await this.connect(true);
    return upload(file, this.call, this.endpoint, onProgress, signal);
  }

  /** @param {boolean} isTyping */
  typing(isTyping) {
    const now = Date.now();
    if (isTyping === now - this.#typingTold < TYPING_TOLD) return;
    this.#typingTold = isTyping ? now : 0;
    this.#beacon('/typing', { sender: 'visitor', isTyping });
  }

  /** @param {Record<string, unknown>} identity */
  async identify(identity) {
    this.#keep({ identity });
    await this.#turn.catch(() => {});
    if (this.#connected) await this.call('POST', '/identify', { identity });
  }

  /** How the visitor can be reached. @param {object} fields */
  async tellContact(fields) {
    await this.connect(true);
    await this.call('POST', '/prechat', fields);
    this.greeting.preChatForm = undefined;
  }

  /** @param {object} fields */
  async rate(fields) {
    await this.call('POST', '/csat', fields);
    this.greeting.csatRequestedAt = undefined;
  }

  /**
   * A custom event for the back office.
   * @param {string} name
   * @param {unknown} [data]
   * @param {{widgetMessage?: string}} [more]
   */
  async trigger(name, data = {}, { widgetMessage } = {}) {
    if (widgetMessage) {
      this.#view.list.welcome(widgetMessage);
      this.open();
    }
    await this.connect(true);
    await this.call('POST', '/events', { name, data });
  }

  /** Forget the conversation and who the visitor is. */
  reset() {
    this.#tabs.tell('reset');
    this.#forget();
    this.close();
    this.#clear(true);
  }

  destroy() {
    this.#gone.abort();
    this.#leave();
    this.#outbox.stop();
    Object.values(this.#timers).forEach(clearTimeout);
    this.#view.remove();
  }

  /** Go on with the conversation, or begin one if `create`. Only one tab does it at a time. @param {boolean} create */
  async connect(create) {
    // Nobody waits for a chat that has ended.
    if (this.#gone.signal.aborted) await new Promise(() => {});
    const last = this.#turn.catch(() => {});
    this.#turn = last.then(async () => {
      if (!create || !this.#connected) await this.#tabs.inTurn(() => this.#connect(create));
    });
    await this.#turn;
    if (create && !this.#connected) throw new RequestError(0);
  }

  /** @param {boolean} create */
  async #connect(create) {
    this.#stored = this.storage.get('session') ?? {};
    const { identityToken, user } = await this.#askWho();
    if (!this.config.identity) this.#recognize(user);
    if (!create && !this.#stored.handle && !identityToken) return this.#lose(false);
    try {
      await this.#read(this.#greet(create, identityToken), (answer) => this.#greeted(answer));
    } catch (/** @type {any} */ error) {
      if (!this.config.identity || !error.details?.identityToken) throw error;
      // The page's own token is over.
      this.emit('error', error);
      this.config.identity = undefined;
      await this.#connect(create);
    }
  }

  /**
   * Who is signed in: the page told, or its app knows by the browser's cookies, which pages elsewhere can't send.
   * @returns {Promise<{identityToken?: string | null, user?: string | null}>}
   */
  async #askWho() {
    const { config, endpoint } = this;
    if (config.identity) return { identityToken: config.identity };
    if (new URL(endpoint).origin !== location.origin) return {};
    return request('GET', `${endpoint}/identity`).catch((error) => {
      // An app that can't say it has nobody signed in. One that is not reached may have.
      if (error.passes && error.status !== 500) throw error;
      return {};
    });
  }

  /** Forget what is another customer's, and show what is this one's. @param {string | null} [user] */
  #recognize(user) {
    const { user: known } = this.#stored;
    if (known && known !== user) {
      // What was written here before anybody was known is the present visitor's.
      const draft = this.#unsure && this.#view.draft;
      const own = this.#outbox.entries.filter(({ clientId }) => this.#unsure && this.#promised.has(clientId));
      this.#tabs.tell('reset');
      this.#forget();
      if (draft) this.storage.set('draft', draft);
      for (const entry of own) this.#outbox.put(entry);
      this.#unsure = false;
      this.#clear(true);
    }
    this.#keep({ user: user ?? undefined });
    if (!this.#unsure) return;
    this.#unsure = false;
    this.#view.restore();
    this.#showUnsent();
  }

  /**
   * Take an answer, if the conversation is still the same, and then once more the state that was told meanwhile:
   * the answer may be older.
   * @param {Promise<any>} asked
   * @param {(answer: any) => void} take
   * @returns {Promise<boolean>} whether it was taken
   */
  async #read(asked, take) {
    const { store } = this;
    /** @type {WidgetFrame[]} */
    const told = [];
    this.#reads.add(told);
    const answer = await asked.finally(() => this.#reads.delete(told));
    if (!answer || store !== this.store) return false;
    take(answer);
    if (store === this.store) for (const frame of told) this.#apply(frame);
    return true;
  }

  /** @param {boolean} create @param {string | null} [identityToken] */
  #greet(create, identityToken) {
    const { visitorId, identity } = this.#stored;
    return this.call('POST', '/connect', {
      visitorId,
      identity,
      create,
      identityToken,
      metadata: {
        url: location.href,
        referrer: document.referrer,
        pageTitle: document.title,
        language: navigator.language,
        timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        screenResolution: `${screen.width}x${screen.height}`,
      },
    });
  }

  /** @param {any} answer */
  #greeted({ sessionId: handle, visitorId, messages, cursor, user, ...greeting }) {
    this.#recognize(user);
    const connected = this.#connected;
    const joins = this.store.get(messages[0]?.id);
    // What lies in a gap would never be loaded.
    if (handle !== this.#stored.handle || (greeting.hasMore && !joins)) this.#clear();
    this.#keep({ handle, visitorId });
    if (joins) greeting.hasMore = this.greeting.hasMore;
    this.greeting = greeting;
    // Who was connected goes on where it is: the answer says how it ended, not what happened.
    if (!this.#connected) this.#cursor = cursor;
    this.lost = false;
    this.#connected = Boolean(handle);
    this.#take(messages);
    this.#listen();
    if (!connected && handle) {
      this.#tabs.tell('session', this.#stored);
      this.#tell('connect', handle);
    }
  }

  /** Connect, and try again until it is done or there is no point. */
  async #keepConnecting() {
    try {
      await this.connect(this.opened && !this.#connected);
      this.#tries = 0;
      this.#outbox.flush();
    } catch (/** @type {any} */ error) {
      this.#lose(true);
      this.#tell('error', error);
      if (error.passes) this.#later('connect', () => this.#keepConnecting(), error.wait || backOff(this.#tries++));
    }
  }

  #listen() {
    if (!this.#tabs.leads || !this.#connected || this.#line) return;
    this.#line = listen({
      address: () => this.endpoint + '/stream' + query({ sessionId: this.#stored.handle, after: this.#cursor }),
      poll: () => this.call('GET', '/events', { after: this.#cursor }),
      transport: this.config.transport,
      carried: this.greeting.transports,
      onFrame: (frame) => {
        this.#tabs.tell('frame', frame);
        this.#receive(frame);
      },
      onState: (live) => {
        this.#tabs.tell('lost', !live);
        this.#lose(!live);
        if (live) this.#outbox.flush();
      },
      onLost: () => this.connect(false),
    });
  }

  #lead() {
    this.#listen();
    this.#outbox.flush();
  }

  /** What another tab said; what it stored may be seen here only later. @param {string} kind @param {any} data */
  #heard(kind, data) {
    if (kind === 'frame') this.#receive(data);
    else if (kind === 'lost') this.#lose(data);
    else if (kind === 'sent') this.#settle(data.entry, data.sent);
    else if (kind === 'outbox') {
      if (this.#tabs.leads) {
        this.#outbox.put(data);
        this.#outbox.flush();
      }
      this.#showUnsent();
    } else if (kind === 'reset') {
      this.#stored = {};
      this.#hide();
      this.#unsure = false;
    } else if (data.handle !== this.#stored.handle) {
      this.storage.set('session', data);
      this.#keepConnecting();
    }
  }

  /** @param {WidgetFrame} frame */
  #receive(frame) {
    const { type, data, cursor } = frame;
    if (cursor && +cursor <= +this.#cursor) return;
    if (cursor) this.#cursor = cursor;
    for (const told of this.#reads) told.push(frame);
    if (type === 'typing' && data.sender !== 'visitor') {
      this.#showAWhile('typist', data.isTyping ? (data.operatorName ?? '') : undefined);
    } else if (type === 'event') for (const name of ['*', data.name]) this.emit(`event:${name}`, data);
    else if (type === 'message' && isTheirs(data) && !this.store.get(data.id)) {
      this.#showAWhile('typist');
      this.greeting.aiActive = data.sender === 'ai';
      this.emit('message', data);
      if (!this.reading && this.#tabs.leads && this.config.sound) this.#view.chime();
    }
    this.#apply(frame);
  }

  /** @param {'typist' | 'problem'} what @param {string} [text] nothing to show no longer */
  #showAWhile(what, text) {
    this[what] = text;
    this.#view.refresh();
    if (text !== undefined) this.#later(what, () => this.#showAWhile(what), A_WHILE);
  }

  /** @param {string} what is done then, once @param {() => void} action @param {number} wait */
  #later(what, action, wait) {
    clearTimeout(this.#timers[what]);
    this.#timers[what] = setTimeout(action, wait);
  }

  get #unsent() {
    return this.#outbox.waiting.map(({ content }) => content);
  }

  /** @param {WidgetFrame} frame */
  #apply(frame) {
    const { type, data } = frame;
    const { greeting } = this;
    if (type === 'presence') greeting.operatorOnline = data.online;
    else if (type === 'ai_takeover') greeting.aiActive = true;
    else if (type === 'csat_request') greeting.csatRequestedAt = data.requestedAt;
    this.#show(this.store.apply(frame, this.#unsent));
  }

  /** @param {WidgetMessage[]} messages */
  #take(messages) {
    this.#show(messages.flatMap((message) => this.store.receive(message, this.#unsent)));
  }

  /** @param {WidgetMessage[]} [changed] */
  #show(changed = []) {
    this.#view.show(changed);
    this.#receipts();
  }

  /** Tell the server, for many messages at once, what has come and what was read. */
  #receipts() {
    this.#timers.receipts ||= setTimeout(async () => {
      this.#timers.receipts = 0;
      const status = this.reading ? 'read' : 'delivered';
      const untold = this.store.unread().filter((message) => message.status !== status);
      const messageIds = untold.map(({ id }) => id).slice(0, 500);
      if (!messageIds.length || !this.#connected || !(this.reading || this.#tabs.leads)) return;
      await this.#beacon('/read', { messageIds, status });
      this.#apply({ type: 'read', data: { messageIds, status } });
    }, 300);
  }

  /** @param {WidgetEntry} entry */
  #post(entry) {
    this.#outbox.put(entry);
    this.#showUnsent();
    this.#tabs.tell('outbox', entry);
    if (this.#tabs.leads) this.#outbox.flush();
  }

  #showUnsent() {
    const shown = this.#outbox.entries.filter(({ clientId }) => !this.#unsure || this.#promised.has(clientId));
    this.#show(
      shown.flatMap(({ at, error, ...entry }) =>
        this.store.receive({
          ...entry,
          id: entry.clientId,
          sender: 'visitor',
          timestamp: new Date(at).toISOString(),
          status: error ? 'failed' : 'sending',
          error,
        }),
      ),
    );
  }

  /** @param {WidgetEntry} entry @returns {Promise<WidgetSent | undefined>} nothing: it was forgotten meanwhile */
  async #deliver({ clientId, content, replyTo, attachments }) {
    await this.connect(true);
    if (!this.#outbox.has(clientId)) return;
    const attachmentIds = attachments?.map(({ id }) => id);
    return this.call('POST', '/message', { clientId, content, replyTo, attachmentIds }).catch((error) => {
      if (error.code === 'SESSION_NOT_FOUND') this.#connected = false;
      error.message = this.explain(error);
      throw error;
    });
  }

  /** @param {WidgetEntry} entry @param {WidgetSent} [sent] */
  #settle(entry, sent) {
    const { clientId, error } = entry;
    this.#promised.get(clientId)?.(error, sent);
    this.#promised.delete(clientId);
    // What another tab did to the storage may be seen here a little later.
    if (sent) {
      this.#outbox.remove(clientId);
      this.#show(this.store.settle(clientId, sent));
    } else {
      this.#outbox.put(entry);
      this.#showUnsent();
    }
    this.#show(this.store.release(this.#unsent));
  }

  /** @param {object} change */
  #keep(change) {
    this.#stored = { ...this.#stored, ...change };
    this.storage.set('session', this.#stored);
  }

  #forget() {
    for (const key of this.storage.keys('')) this.storage.remove(key);
    this.#stored = {};
  }

  /** Take all that is a customer's out of sight, also what is stored. */
  #hide() {
    this.#unsure = true;
    this.#promised.clear();
    this.#clear(true);
  }

  /** Begin anew with what is stored now. @param {boolean} [whole] what was being written goes out of sight too */
  #clear(whole) {
    this.#hangUp();
    this.#connected = false;
    this.store = new Store();
    Object.assign(this.greeting, { csatRequestedAt: undefined, aiActive: false, hasMore: false });
    if (whole) this.#view.replaceWith((this.#view = new ChatElement(this)));
    this.#showUnsent();
  }

  #hangUp() {
    this.#line?.stop();
    this.#line = undefined;
  }

  /** @param {boolean} lost */
  #lose(lost) {
    this.lost = lost;
    this.#view.refresh();
  }

  /** Show the new state and tell the page. @param {string} name @param {any[]} details */
  #tell(name, ...details) {
    this.#show();
    this.emit(name, ...details);
  }

  /** Follow what becomes of the page. */
  #watch() {
    const { signal } = this.#gone;
    /** @param {EventTarget} target @param {string} name @param {(event: any) => void} handler */
    const on = (target, name, handler) => target.addEventListener(name, handler, { signal });
    on(window, 'online', () => this.#wake());
    on(window, 'offline', () => this.#lose(true));
    on(window, 'pagehide', () => this.#leave());
    // What other tabs told meanwhile was not heard: all is read anew.
    on(window, 'pageshow', ({ persisted }) => persisted && this.#return());
    on(document, 'visibilitychange', () => this.#turned());
    const moved = () => this.#later('moved', () => this.#moved(), 1000);
    const { navigation } = /** @type {any} */ (window);
    if (navigation) on(navigation, 'currententrychange', moved);
    else on(window, 'popstate', moved);
  }

  /** The page was kept by the browser and is shown again, to whom is not known. */
  #return() {
    this.#tabs.join();
    this.#wake();
    if (this.#stored.user) this.#hide();
    else this.#clear();
  }

  #turned() {
    const { visibilityState: state, hidden } = document;
    this.#beacon('/visibility', { state, timestamp: new Date().toISOString() });
    if (hidden) this.#hiddenAt = Date.now();
    else if (Date.now() - this.#hiddenAt > ASLEEP) this.#wake();
    else this.#lookWho();
    this.#receipts();
  }

  /** Somebody may have signed in or out in another tab. */
  async #lookWho() {
    if (!this.#connected || this.config.identity) return;
    const { user } = await this.#askWho().catch(() => this.#stored);
    if (user !== undefined && (user ?? undefined) !== this.#stored.user) this.#keepConnecting();
  }

  #moved() {
    this.#view.refresh();
    if (this.#connected && location.href !== this.#page) this.#keepConnecting();
    this.#page = location.href;
  }

  #wake() {
    this.#line?.wake();
    if (this.#connected || this.opened) this.#keepConnecting();
  }

  #leave() {
    if (this.#tabs.leads) this.#beacon('/disconnect', { duration: Date.now() - this.#begun, reason: 'pagehide' });
    this.#hangUp();
    this.#tabs.leave();
  }

  /** Tell the server what may be lost without harm. @param {string} path @param {object} fields */
  async #beacon(path, fields) {
    if (this.#connected) await this.call('POST', path, fields).catch(() => {});
  }
}
