/** The connection to the server: it begins or resumes the conversation, listens, and reconnects when it is lost. */

import { listen } from './stream.js';
import { backOff, query, request, RequestError } from './request.js';

/** @typedef {import('./chat.js').Chat} Chat */

export class Connection {
  connected = false;
  #chat;
  /** @type {ReturnType<typeof listen> | undefined} */
  #stream;
  #cursor = '0';
  /** The frames that came while an answer is on its way, for each of them. @type {Set<WidgetFrame[]>} */
  #reads = new Set();
  /** The last attempt to connect; the next one waits for it. @type {Promise<unknown>} */
  #turn = Promise.resolve();
  #tries = 0;

  /** @param {Chat} chat */
  constructor(chat) {
    this.#chat = chat;
  }

  /** @type {import('./request.js').Call} */
  call = (method, path, fields, signal) => {
    const { endpoint, visitor } = this.#chat;
    return request(method, endpoint + path, { sessionId: visitor.stored.handle, ...fields }, signal);
  };

  /** Tell the server what may get lost without harm. @param {string} path @param {object} fields */
  async beacon(path, fields) {
    if (this.connected) await this.call('POST', path, fields).catch(() => {});
  }

  /**
   * Resume the conversation, or begin one if `create`. Only one tab does it at a time.
   * @param {boolean} create
   */
  async connect(create) {
    const { tabs, ended } = this.#chat;
    // Nobody waits for a chat that has ended.
    if (ended.aborted) await new Promise(() => {});
    const last = this.#turn.catch(() => {});
    this.#turn = last.then(async () => {
      if (!create || !this.connected) await tabs.inTurn(() => this.#connect(create));
    });
    await this.#turn;
    if (create && !this.connected) throw new RequestError(0);
  }

  /** Wait for the attempts to connect that are under way. */
  async settled() {
    await this.#turn.catch(() => {});
  }

  /** Connect, and try again until it works or can't work. */
  async keepConnecting() {
    const chat = this.#chat;
    try {
      await this.connect(chat.opened && !this.connected);
      this.#tries = 0;
      chat.outgoing.flush();
    } catch (/** @type {any} */ error) {
      // What the server refuses is no lack of a network.
      chat.setLost(error.status && error.status < 500 ? error : true);
      chat.tell('error', error);
      const wait = error.wait || backOff(this.#tries++);
      if (error.passes) chat.timers.later('connect', () => this.keepConnecting(), wait);
    }
  }

  /** @param {boolean} create */
  async #connect(create) {
    const chat = this.#chat;
    const { visitor, config } = chat;
    visitor.reload();
    const { identityToken, user } = await visitor.ask();
    if (!config.identity) chat.recognize(user);
    if (!create && !visitor.stored.handle && !identityToken) return chat.setLost(false);
    try {
      await this.read(this.#greet(create, identityToken), (answer) => this.#greeted(answer));
    } catch (/** @type {any} */ error) {
      if (!config.identity || !error.details?.identityToken) throw error;
      // The page's own token has expired.
      chat.emit('error', error);
      config.identity = undefined;
      await this.#connect(create);
    }
  }

  /** @param {boolean} create @param {string | null} [identityToken] */
  #greet(create, identityToken) {
    const { visitorId, identity } = this.#chat.visitor.stored;
    return this.call('POST', '/connect', {
      project: this.#chat.config.project,
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
    const chat = this.#chat;
    const { visitor } = chat;
    chat.recognize(user);
    const { connected } = this;
    const joins = chat.store.get(messages[0]?.id);
    // What lies in a gap would never be loaded.
    if (handle !== visitor.stored.handle || (greeting.hasMore && !joins)) chat.clear();
    visitor.keep({ handle, visitorId });
    if (joins) greeting.hasMore = chat.greeting.hasMore;
    chat.greeting = greeting;
    // One that was connected goes on at its cursor: the answer tells the outcome, not what happened.
    if (!this.connected) this.#cursor = cursor;
    chat.lost = false;
    this.connected = Boolean(handle);
    chat.take(messages);
    this.listen();
    if (!connected && handle) {
      chat.tabs.tell('session', visitor.stored);
      chat.tell('connect', handle);
    }
  }

  /**
   * Take an answer, if the conversation is still the same, and then the frames that came meanwhile once more: the
   * answer may be older.
   * @param {Promise<any>} asked
   * @param {(answer: any) => void} take
   * @returns {Promise<boolean>} whether it was taken
   */
  async read(asked, take) {
    const chat = this.#chat;
    const { store } = chat;
    /** @type {WidgetFrame[]} */
    const frames = [];
    this.#reads.add(frames);
    const answer = await asked.finally(() => this.#reads.delete(frames));
    if (!answer || store !== chat.store) return false;
    take(answer);
    if (store === chat.store) for (const frame of frames) chat.apply(frame);
    return true;
  }

  /** Note a frame. @param {WidgetFrame} frame @returns {boolean} whether it is new */
  advance(frame) {
    const { cursor } = frame;
    if (cursor && +cursor <= +this.#cursor) return false;
    if (cursor) this.#cursor = cursor;
    for (const frames of this.#reads) frames.push(frame);
    return true;
  }

  /** Listen for all tabs, if this is the one that leads them. */
  listen() {
    const chat = this.#chat;
    if (!chat.tabs.leads || !this.connected || this.#stream) return;
    this.#stream = listen({
      address: () => `${chat.endpoint}/stream${query({ sessionId: chat.visitor.stored.handle, after: this.#cursor })}`,
      poll: () => this.call('GET', '/events', { after: this.#cursor }),
      transport: chat.config.transport,
      carried: chat.greeting.transports,
      onFrame: (frame) => {
        chat.tabs.tell('frame', frame);
        chat.receive(frame);
      },
      onState: (live) => {
        chat.tabs.tell('lost', !live);
        chat.setLost(!live);
        if (live) chat.outgoing.flush();
      },
      onLost: () => this.connect(false),
    });
  }

  /** Try at once: the connection may be dead without a sign, or work again. */
  wake() {
    this.#stream?.wake();
    if (this.connected || this.#chat.opened) this.keepConnecting();
  }

  /** The next conversation has cursors of its own. */
  reset() {
    this.hangUp();
    this.connected = false;
    this.#cursor = '0';
  }

  hangUp() {
    this.#stream?.stop();
    this.#stream = undefined;
  }
}
