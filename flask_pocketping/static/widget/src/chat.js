/** One visitor's conversation: the server, the other tabs of the browser and the view meet here. */

import { Connection } from './connection.js';
import { ChatElement } from './element.js';
import { explain } from './errors.js';
import { Outgoing } from './outgoing.js';
import { watchPage } from './page.js';
import { makeCover } from './phone.js';
import { Receipts } from './receipts.js';
import { openStorage } from './storage.js';
import { isTheirs, Store } from './store.js';
import { openTabs } from './tabs.js';
import { localeFor, textsFor } from './texts.js';
import { A_WHILE, Timers } from './timers.js';
import { upload } from './upload.js';
import { Visitor } from './visitor.js';

/** Milliseconds after which the server is told again that the visitor is typing. */
const TYPING_TOLD = 3000;
/** Milliseconds after which an answer that does not go on growing is given up, and in which its message follows its end. */
const STALLED = 15_000;
const SOON = 2000;

/** @typedef {(name: string, ...details: any[]) => void} Emit */

/** @param {WidgetConfig} config @param {Emit} emit */
export async function start(config, emit) {
  // Flask-Babel writes a locale as de_AT.
  const language = (config.language ?? (document.documentElement.lang || navigator.language)).replace(/_/g, '-');
  const texts = textsFor(language, config.texts);
  if (!document.body) await new Promise((resolve) => addEventListener('DOMContentLoaded', resolve));
  return new Chat(config, emit, texts, language);
}

export class Chat {
  store = new Store();
  timers = new Timers();
  connection = new Connection(this);
  /** What the server answered to the last connect. @type {WidgetGreeting} */
  greeting = {};
  opened = false;
  /** Whether the connection is lost, or the error that keeps it from working. @type {unknown} */
  lost = false;
  /** The name of who is typing, or undefined. @type {string | undefined} */
  typist;
  /** The text of an answer that is still being written. @type {string | undefined} */
  growing;
  /** What to tell the visitor of the last failure. @type {string | undefined} */
  problem;

  #receipts = new Receipts(this);
  #view;
  #typingTold = 0;
  /** The answer that is being written, and the last one that became a message. */
  #stream = '';
  #streamed = '';
  #begun = Date.now();
  #ending = new AbortController();

  /** @param {WidgetConfig} config @param {Emit} emit @param {WidgetTexts} texts @param {string} language */
  constructor(config, emit, texts, language) {
    this.config = config;
    this.texts = texts;
    this.language = language;
    this.locale = localeFor(language);
    this.emit = emit;
    this.ended = this.#ending.signal;
    this.endpoint = new URL(config.endpoint, location.href).href.replace(/\/$/, '');
    const name = `pocketping:${this.endpoint}${config.project ? `#${config.project}` : ''}:`;
    this.storage = openStorage(name);
    this.visitor = new Visitor(this.storage, config, this.endpoint);
    this.tabs = openTabs(
      name,
      this.storage.shared,
      (kind, data) => this.#heard(kind, data),
      () => this.#lead(),
    );
    this.outgoing = new Outgoing(this);
    this.cover = makeCover(this);
    this.#view = new ChatElement(this);
    document.body.append(this.#view);
    watchPage(
      {
        onOnline: () => this.connection.wake(),
        onOffline: () => this.setLost(true),
        onLeave: () => this.#leave(),
        onReturn: () => this.#return(),
        onVisibility: (slept) => this.#visibilityChanged(slept),
        onMove: (moved) => this.#moved(moved),
      },
      this.timers,
      this.ended,
    );
    this.tabs.join();
    this.outgoing.show();
    if (this.visitor.stored.handle || config.identity) this.connection.keepConnecting();
    if (config.open) this.open();
  }

  // What the visitor does, and the page by PocketPing

  open() {
    if (!this.opened) this.toggle();
  }

  close() {
    if (this.opened) this.toggle();
  }

  toggle() {
    this.opened = !this.opened;
    if (this.opened && !this.connection.connected) this.connection.keepConnecting();
    this.tell(this.opened ? 'open' : 'close');
  }

  /**
   * Send a message, now or as soon as there is a connection.
   * @param {string} content
   * @param {Partial<WidgetEntry>} [more]
   * @returns {Promise<WidgetSent>}
   */
  sendMessage(content, more) {
    return this.outgoing.send(content, more);
  }

  /** Delete a message, or one that was not sent yet. @param {WidgetMessage} message */
  async remove({ id, seq }) {
    if (!seq) return this.outgoing.remove(id);
    const done = await this.#attempt('DELETE', `/message/${id}`);
    if (done) this.apply({ type: 'message_deleted', data: { messageId: id, deletedAt: 'now' } });
  }

  /**
   * Change a message; one that was refused is sent again.
   * @param {WidgetMessage} message
   * @param {string} content
   * @returns {Promise<boolean>} whether it was changed
   */
  async edit({ id: messageId, seq }, content) {
    if (!seq) return this.outgoing.retry(messageId, content);
    const answer = await this.#attempt('PATCH', `/message/${messageId}`, { content });
    if (answer) this.apply({ type: 'message_edited', data: { ...answer.message, messageId } });
    return Boolean(answer);
  }

  /** @returns {Promise<boolean>} whether there was more */
  async loadOlder() {
    const before = this.store.messages.find(({ seq }) => seq)?.id;
    if (!before || !this.greeting.hasMore) return false;
    return this.connection.read(this.#attempt('GET', '/messages', { before }), ({ hasMore, messages }) => {
      this.greeting.hasMore = hasMore;
      this.take(messages);
    });
  }

  /** @param {File} file @param {(share: number) => void} onProgress @param {AbortSignal} signal */
  async upload(file, onProgress, signal) {
    await this.connection.connect(true);
    return upload(file, this.connection.call, this.endpoint, onProgress, signal, this.greeting.maxUploadSize);
  }

  /** @param {boolean} isTyping */
  typing(isTyping) {
    const now = Date.now();
    if (isTyping === now - this.#typingTold < TYPING_TOLD) return;
    this.#typingTold = isTyping ? now : 0;
    this.connection.beacon('/typing', { sender: 'visitor', isTyping });
  }

  /** @param {Record<string, unknown>} identity */
  async identify(identity) {
    const { visitor, connection } = this;
    visitor.keep({ identity });
    await connection.settled();
    if (connection.connected) await connection.call('POST', '/identify', { identity });
  }

  /** Tell how the visitor can be reached. @param {object} fields */
  async tellContact(fields) {
    await this.connection.connect(true);
    await this.connection.call('POST', '/prechat', fields);
    this.greeting.preChatForm = undefined;
  }

  /** @param {object} fields */
  async rate(fields) {
    await this.connection.call('POST', '/csat', fields);
    this.greeting.csatRequestedAt = undefined;
  }

  /**
   * Send a custom event to the back office.
   * @param {string} name
   * @param {unknown} [data]
   * @param {WidgetTrigger} [more]
   */
  async trigger(name, data = {}, { widgetMessage } = {}) {
    if (widgetMessage) {
      this.#view.list.welcome(widgetMessage);
      this.open();
    }
    await this.connection.connect(true);
    await this.connection.call('POST', '/events', { name, data });
  }

  /** Leave a conversation that was closed, and begin another one. */
  async restart() {
    this.visitor.keep({ handle: undefined });
    this.clear();
    await this.connection.keepConnecting();
    this.#view.focus();
  }

  /** Forget the conversation and who the visitor is. */
  reset() {
    this.tabs.tell('reset');
    this.visitor.forget();
    this.close();
    this.clear(true);
  }

  destroy() {
    this.opened = false;
    this.show();
    this.#ending.abort();
    this.#leave();
    this.outgoing.stop();
    this.#receipts.stop();
    this.timers.stop();
    this.#view.remove();
  }

  /**
   * Make a request; if it fails, tell the visitor and return nothing.
   * @param {Parameters<import('./request.js').Call>} args
   */
  #attempt(...args) {
    return this.connection.call(...args).catch((error) => this.#showAWhile('problem', this.explain(error)));
  }

  // What is shown

  /** What was being written, if this visitor may see it. */
  get draft() {
    return this.visitor.unsure ? '' : this.storage.get('draft');
  }

  /** What to tell the visitor of an error. @param {unknown} error */
  explain(error) {
    return explain(error, this.texts, this.locale);
  }

  /** The picture of an operator, if it is known. @param {string} [name] undefined: whoever answers */
  pictureOf(name) {
    const { greeting, config } = this;
    const known = greeting.operatorName ?? config.operatorName;
    return name && known && name !== known ? undefined : (greeting.operatorAvatar ?? config.operatorAvatar);
  }

  get reading() {
    return this.opened && !document.hidden;
  }

  /** Show messages that are new or changed, and the rest. @param {WidgetMessage[]} [changed] */
  show(changed = []) {
    this.#view.show(changed);
    this.#receipts.plan();
  }

  /** Show the new state and tell the page. @param {string} name @param {any[]} details */
  tell(name, ...details) {
    this.show();
    this.emit(name, ...details);
  }

  /** @param {unknown} lost */
  setLost(lost) {
    this.lost = lost;
    this.#view.refresh();
  }

  /**
   * @param {'typist' | 'problem' | 'growing'} what
   * @param {string} [text] undefined: it is no longer shown
   * @param {number} [wait] milliseconds
   */
  #showAWhile(what, text, wait = A_WHILE) {
    this[what] = text;
    this.#view.refresh();
    if (text !== undefined) this.timers.later(what, () => this.#showAWhile(what), wait);
  }

  // What the server tells

  /** @param {WidgetFrame} frame */
  receive(frame) {
    const { type, data } = frame;
    if (!this.connection.advance(frame)) return;
    if (type === 'typing' && data.sender !== 'visitor') {
      const name = data.operatorName ?? (data.sender === 'ai' ? this.texts.ai : '');
      this.#showAWhile('typist', data.isTyping ? name : undefined);
    } else if (type === 'message_stream') this.#grow(data);
    else if (type === 'event') for (const name of ['*', data.name]) this.emit(`event:${name}`, data);
    else if (type === 'message' && isTheirs(data) && !this.store.get(data.id)) {
      this.#showAWhile('typist');
      this.greeting.aiActive = data.sender === 'ai';
      if (this.greeting.aiActive) {
        this.#streamed = this.#stream;
        this.#showAWhile('growing');
      }
      this.emit('message', data);
      if (!this.reading && this.tabs.leads && this.config.sound) this.#view.chime();
    }
    this.apply(frame);
  }

  /** An answer grows, or has ended: its message is here, comes soon, or never. @param {any} data */
  #grow({ streamId, text, done }) {
    if (streamId === this.#streamed) return;
    this.#stream = streamId;
    this.#showAWhile('growing', done ? this.growing : text, done ? SOON : STALLED);
  }

  /** @param {WidgetFrame} frame */
  apply(frame) {
    const { type, data } = frame;
    const { greeting } = this;
    if (type === 'presence') greeting.operatorOnline = data.online;
    else if (type === 'ai_takeover') greeting.aiActive = true;
    else if (type === 'csat_request') greeting.csatRequestedAt = data.requestedAt;
    this.show(this.store.apply(frame, this.outgoing.texts));
  }

  /** @param {WidgetMessage[]} messages */
  take(messages) {
    this.show(messages.flatMap((message) => this.store.receive(message, this.outgoing.texts)));
  }

  // Other tabs

  #lead() {
    this.connection.listen();
    this.outgoing.flush();
  }

  /** Another tab said something; what it stored may be seen here only later. @param {string} kind @param {any} data */
  #heard(kind, data) {
    const { visitor } = this;
    if (kind === 'frame') this.receive(data);
    else if (kind === 'lost') this.setLost(data);
    else if (kind === 'sent') this.outgoing.settle(data.entry, data.sent);
    else if (kind === 'outbox') this.outgoing.heard(data);
    else if (kind === 'reset') {
      visitor.stored = {};
      this.#hide();
      visitor.unsure = false;
    } else if (data.handle !== visitor.stored.handle) {
      this.storage.set('session', data);
      if (visitor.stored.handle) this.clear();
      this.connection.keepConnecting();
    }
  }

  // Who the visitor is

  /** Forget what is another customer's, and show what is this one's. @param {string | null} [user] */
  recognize(user) {
    const { visitor, outgoing } = this;
    const { user: known } = visitor.stored;
    if (known && known !== user) {
      // What was written here before anybody was known is the present visitor's.
      const draft = visitor.unsure && this.#view.draft;
      const own = visitor.unsure ? outgoing.own : [];
      this.tabs.tell('reset');
      visitor.forget();
      if (draft) this.storage.set('draft', draft);
      outgoing.keep(own);
      visitor.unsure = false;
      this.clear(true);
    }
    visitor.keep({ user: user ?? undefined });
    if (!visitor.unsure) return;
    visitor.unsure = false;
    this.#view.restore();
    outgoing.show();
  }

  /** Somebody may have signed in or out in another tab. */
  async #checkVisitor() {
    const { visitor, connection, config } = this;
    if (!connection.connected || config.identity) return;
    const { user } = await visitor.ask().catch(() => visitor.stored);
    if (user !== undefined && (user ?? undefined) !== visitor.stored.user) connection.keepConnecting();
  }

  /** Take all that is a customer's out of sight, also what is stored. */
  #hide() {
    this.visitor.unsure = true;
    this.outgoing.forget();
    this.clear(true);
  }

  /** Begin anew with what is stored now. @param {boolean} [whole] what was being written goes out of sight too */
  clear(whole) {
    this.connection.reset();
    this.store = new Store();
    this.growing = undefined;
    Object.assign(this.greeting, { csatRequestedAt: undefined, aiActive: false, hasMore: false });
    if (whole) this.#view.replaceWith((this.#view = new ChatElement(this)));
    this.outgoing.show();
  }

  // The page

  /** The browser kept the page and shows it again, to whom is not known. What other tabs told meanwhile is lost. */
  #return() {
    this.tabs.join();
    this.connection.wake();
    if (this.visitor.stored.user) this.#hide();
    else this.clear();
  }

  /** @param {boolean} slept the page was hidden for long */
  #visibilityChanged(slept) {
    const { visibilityState: state, hidden } = document;
    this.connection.beacon('/visibility', { state, timestamp: new Date().toISOString() });
    if (slept) this.connection.wake();
    else if (!hidden) this.#checkVisitor();
    this.#receipts.plan();
  }

  /** @param {boolean} moved whether the address is another one */
  #moved(moved) {
    this.#view.refresh();
    if (moved && this.connection.connected) this.connection.keepConnecting();
  }

  #leave() {
    const duration = Date.now() - this.#begun;
    if (this.tabs.leads) this.connection.beacon('/disconnect', { duration, reason: 'pagehide' });
    this.connection.hangUp();
    this.tabs.leave();
  }
}
