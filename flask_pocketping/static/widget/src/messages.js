/** The list of messages. The one that is pointed at shows its tools. */

import { markdown, toPlain } from '../../shared/markdown.js';
import { isTheirs } from './store.js';
import { measure } from './texts.js';
import { h, icon, iconButton, link, textButton } from './dom.js';

/** @typedef {import('./chat.js').Chat} Chat */
/** @typedef {import('./composer.js').Composer} Composer */

/** An address of the web or of mail, without the punctuation that follows it. */
const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"]*[^\s<>".,:;!?)\]}]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gi;
const TICKS = { sending: '◷', sent: '✓', delivered: '✓✓', read: '✓✓', failed: '!' };
const DAY = 864e5;

export class MessageList {
  element = h('div', 'log', { role: 'log', tabIndex: 0 });
  pill;
  /** Whether the newest messages are in view. */
  #following = true;
  /** The text of an event, if there is one. @type {string | undefined} */
  #welcome;
  /** What the welcome was made of. @type {WidgetGreeting | undefined} */
  #greeting;
  /** @type {Map<WidgetMessage, HTMLElement>} */
  #shown = new Map();
  /** An answer that is still being written. Screen readers wait for the message. */
  #growing = h('div', 'message', { ariaLive: 'off', ariaBusy: 'true' });
  #chat;
  #composer;

  /** @param {Chat} chat @param {Composer} composer */
  constructor(chat, composer) {
    this.#chat = chat;
    this.#composer = composer;
    const { element } = this;
    element.ariaLabel = chat.texts.messages;
    // Screen readers don't read changes inside messages, such as receipts.
    element.setAttribute('aria-relevant', 'additions');
    this.pill = h('button', 'main pill', { hidden: true, onclick: () => this.toEnd() }, chat.texts.fresh);
    element.onscroll = () => {
      const { scrollHeight, scrollTop, clientHeight } = element;
      this.#following = scrollHeight - scrollTop - clientHeight < 80;
      if (this.#following) this.pill.hidden = true;
      if (scrollTop < 200) this.#older();
    };
    element.onkeydown = (event) => this.#walk(event);
    // A keyboard, a form or a file below takes of the room.
    new ResizeObserver(() => this.#following && this.toEnd()).observe(element);
    for (const name of ['mouseover', 'focusin', 'click'])
      element.addEventListener(name, ({ target }) => this.#offer(target));
    element.onpointerleave = ({ pointerType }) =>
      pointerType === 'mouse' && element.querySelector('.tools:not(:focus-within)')?.remove();
    this.welcome();
  }

  /** Show the welcome message above all others: who will answer, and how soon as a rule. @param {string} [text] */
  welcome(text = this.#welcome) {
    const { greeting, config, locale, texts } = this.#chat;
    const { operatorName, welcomeMessage, replyTime } = greeting;
    this.#greeting = greeting;
    this.#welcome = text;
    const place = this.element.firstElementChild ?? this.element.appendChild(h('div', 'message'));
    const shown = text ?? config.welcomeMessage ?? welcomeMessage ?? texts.welcome;
    place.replaceChildren(
      this.#name(undefined, { sender: 'operator', operatorName }),
      h('div', 'bubble', {}, h('div', '', { dir: 'auto' }, shown)),
    );
    if (!replyTime) return;
    const [seconds, unit] = replyTime < 3600 ? [60, 'minute'] : [3600, 'hour'];
    const time = measure(Math.ceil(replyTime / seconds), unit, locale);
    place.append(h('div', 'name', {}, texts.pace.replace('{time}', time)));
  }

  /** Show an answer that is still being written, below all messages. @param {string} [text] undefined: there is none */
  grow(text) {
    const growing = this.#growing;
    if (!text) return growing.remove();
    const answer = /** @type {WidgetMessage} */ ({ sender: 'ai', content: text });
    // The line of the time is there already, so that the message that replaces it is as high.
    const bubble = h('div', 'bubble', {}, content(answer), h('div', 'meta', {}, '\xa0'));
    growing.replaceChildren(this.#name(undefined, answer), bubble);
    this.element.append(growing);
    if (this.#following) this.toEnd();
  }

  /** Scroll to the end. Messages get their true height as they come into view, so it takes some frames. */
  toEnd(frames = 9, was = 0) {
    const { element } = this;
    if (!frames || element.scrollTop < was) return;
    element.scrollTop = 1e9;
    was = element.scrollTop;
    requestAnimationFrame(() => this.toEnd(frames - 1, was));
  }

  /** Show messages that are new or changed, and forget those that are gone. @param {WidgetMessage[]} changed */
  show(changed) {
    const { store, greeting } = this.#chat;
    const { messages } = store;
    if (greeting !== this.#greeting) this.welcome();
    const follow = this.#following || changed.some(({ status }) => status === 'sending');
    const [last] = messages.slice(-1);
    if (!follow && changed.includes(last) && isTheirs(last) && !this.#shown.has(last)) this.pill.hidden = false;
    const known = new Set(messages);
    for (const [message, element] of this.#shown) {
      if (known.has(message)) continue;
      element.remove();
      this.#shown.delete(message);
    }
    const anew = new Set(changed.map(({ id }) => id));
    // From the first on: each is put behind the one before it, and shows what it follows and what it quotes.
    messages.forEach(({ id, replyTo = '' }, at) => {
      if ([id, replyTo, messages[at - 1]?.id].some((one) => anew.has(one))) this.#draw(at);
    });
    // A class does: what is drawn anew is read aloud once more.
    messages.forEach((message, at) =>
      this.#shown.get(message)?.classList.toggle('more', follows(message, messages[at + 1])),
    );
    if (follow && changed.length) this.toEnd();
  }

  /** @param {number} at */
  #draw(at) {
    const { messages } = this.#chat.store;
    const message = messages[at];
    const element = this.#shown.get(message) ?? h('div', '', { tabIndex: -1 });
    element.className = `message ${message.sender === 'visitor' ? 'own' : ''} ${message.status}`;
    // The tools stay: somebody may be about to click them.
    const tools = message.deletedAt ? null : element.querySelector('.tools');
    for (const part of [...element.children]) if (part !== tools) part.remove();
    element.prepend(...this.#parts(messages[at - 1], message));
    const before = this.#shown.get(messages[at - 1]) ?? this.element.firstElementChild;
    if (element.previousElementSibling !== before) before?.after(element);
    this.#shown.set(message, element);
  }

  /** @param {WidgetMessage | undefined} before @param {WidgetMessage} message */
  #parts(before, message) {
    const { metadata, timestamp } = message;
    const parts = [];
    const day = this.#day(timestamp);
    const newDay = !before || this.#day(before.timestamp) !== day;
    if (newDay) parts.push(h('div', 'day', {}, day));
    if (metadata?.system) return [...parts, this.#system(message)];
    return [...parts, this.#name(before, message), this.#bubble(message)];
  }

  /** What the system says, and where it closed the conversation, a way to go on. @param {WidgetMessage} message */
  #system({ content, metadata: { kind = '' } = {} }) {
    const { texts } = this.#chat;
    const what = /** @type {'closed' | 'reopened'} */ (kind.slice(8));
    const line = h('div', 'day system', { dir: 'auto' }, texts[what] ?? content);
    if (what === 'closed')
      line.append(
        h('br'),
        textButton(texts.placeholder, () => this.#composer.text.focus()),
        textButton(texts.again, () => this.#chat.restart()),
      );
    return line;
  }

  /** Today and yesterday by their names, others by their date. @param {string} timestamp */
  #day(timestamp) {
    const { locale } = this.#chat;
    const day = new Date(timestamp);
    const ago = Math.round((day.setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / DAY);
    const near = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(ago, 'day');
    if (ago > -2) return near[0].toLocaleUpperCase() + near.slice(1);
    return day.toLocaleDateString(locale, { dateStyle: 'long' });
  }

  /**
   * Who wrote a message: seen once in each group, and read aloud for all.
   * @param {WidgetMessage | undefined} before
   * @param {WidgetAuthored} message
   */
  #name(before, message) {
    const { texts, config } = this.#chat;
    const { sender, operatorName } = message;
    if (sender === 'visitor') return h('div', 'quiet', {}, texts.you);
    const ai = sender === 'ai';
    const name = operatorName ?? (ai ? texts.ai : (config.operatorName ?? texts.team));
    const badge = ai ? [' ', h('span', 'tag', {}, texts.badge)] : [];
    if (follows(before, message)) return h('div', 'quiet', {}, name, ...badge);
    const src = ai ? '' : this.#chat.pictureOf(operatorName);
    const face = src
      ? h('img', 'face', { alt: '', src })
      : h('span', 'main face', { ariaHidden: 'true' }, [...name][0]);
    return h('div', 'name', {}, face, name, ...badge);
  }

  /** @param {WidgetMessage} message */
  #bubble(message) {
    const { store, texts } = this.#chat;
    if (message.deletedAt) return h('div', 'bubble gone', {}, texts.deleted);
    const quoted = message.replyTo && store.get(message.replyTo);
    const about = quoted ? [h('span', 'excerpt', { dir: 'auto' }, plain(quoted) || texts.deleted)] : [];
    const files = (message.attachments ?? []).map((file) => this.#file(file));
    return h('div', 'bubble', {}, ...about, ...files, content(message), this.#meta(message));
  }

  /** @param {WidgetAttachment} file */
  #file({ url, thumbnailUrl, filename: alt, width, height }) {
    const at = (/** @type {string} */ path) => new URL(path, this.#chat.endpoint).href;
    const size = width && height ? { width, height } : {};
    const name = h('span', 'file', {}, icon('attach'), alt);
    if (!thumbnailUrl) return link(at(url), name);
    const picture = h('img', 'picture', { ...size, alt, src: at(thumbnailUrl) });
    // The server may find out later that it is no picture.
    picture.onerror = () => picture.replaceWith(name);
    return link(at(url), picture);
  }

  /** @param {WidgetMessage} message */
  #meta(message) {
    const chat = this.#chat;
    const { texts, locale } = chat;
    const { timestamp, editedAt, error } = message;
    const time = new Date(timestamp).toLocaleTimeString(locale, { timeStyle: 'short' });
    const meta = h('div', editedAt || error ? 'meta keep' : 'meta', {}, time, editedAt ? ` · ${texts.edited} ` : ' ');
    if (message.sender !== 'visitor') return meta;
    const status = /** @type {'sent' | 'failed'} */ (message.status);
    meta.append(h('span', '', { role: 'img', ariaLabel: texts[status], title: texts[status] }, TICKS[status]));
    if (error) {
      const { clientId, fix } = message;
      const again = fix
        ? textButton(texts.edit, () => this.#composer.pick('edit', message))
        : textButton(texts.retry, () => chat.outgoing.retry(clientId));
      // One that waits goes on by itself.
      again.hidden = status !== 'failed';
      meta.append(
        h('div', '', {}, error),
        again,
        textButton(texts.remove, () => chat.remove(message)),
      );
    }
    return meta;
  }

  /** Put the tools of the message that is pointed at, or has the focus, into it. @param {EventTarget | null} target */
  #offer(target) {
    const element = /** @type {Element} */ (target).closest('.message');
    const message = [...this.#shown].find(([, shown]) => shown === element)?.[0];
    if (!element || !message?.seq || message.deletedAt || message.metadata || element.querySelector('.tools')) return;
    this.element.querySelector('.tools')?.remove();
    const { texts } = this.#chat;
    const pick = (/** @type {'reply' | 'edit'} */ kind) =>
      iconButton(kind, texts[kind], () => {
        this.#composer.pick(kind, message);
        // On a phone no pointer leaves.
        floating.remove();
      });
    const tools = h('div', '', {}, pick('reply'));
    const floating = h('div', 'tools', {}, tools);
    const sure = () => {
      const button = textButton(texts.sure, () => this.#chat.remove(message));
      tools.replaceChildren(button);
      button.focus();
    };
    if (message.sender === 'visitor') tools.append(pick('edit'), iconButton('remove', texts.remove, sure));
    element.append(floating);
  }

  /** The arrow keys go from message to message. @param {KeyboardEvent} event */
  #walk(event) {
    const step = { ArrowUp: 'previousElementSibling', ArrowDown: 'nextElementSibling' }[event.key];
    if (!step) return;
    event.preventDefault();
    const here = /** @type {any} */ (event.target).closest('.message');
    (here ? here[step] : this.element.lastElementChild)?.focus();
  }

  async #older() {
    const { element } = this;
    if (element.ariaLive === 'off') return;
    element.ariaLive = 'off';
    const below = element.scrollHeight - element.scrollTop;
    if (await this.#chat.loadOlder()) element.scrollTop = element.scrollHeight - below;
    element.ariaLive = 'polite';
  }
}

/**
 * Whether a message belongs to the group of the one before it: the same sender in the same minute.
 * @param {WidgetMessage} [before]
 * @param {WidgetAuthored} [message]
 */
function follows(before, message) {
  const [one, other] = [before, message].map(
    (it) => it && [it.sender, it.operatorName, it.timestamp?.slice(0, 16), it.metadata?.system, it.status === 'failed'],
  );
  return `${one}` === `${other}`;
}

/** Only what visitors write is shown as it is written. @param {WidgetMessage} message */
function content({ sender, content: text }) {
  const leaf = (/** @type {string} */ part, /** @type {boolean} */ bare) => (bare ? [part] : linked(part));
  return h('div', '', { dir: 'auto' }, ...(sender === 'visitor' ? linked(text) : markdown(text, leaf)));
}

/** What stands for a message in one line. @param {WidgetMessage} message */
export const plain = ({ sender, content: text }) => (sender === 'visitor' ? text : toPlain(text));

/** Text with its addresses as links. @param {string} text @returns {(Node | string)[]} */
function linked(text) {
  const parts = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const scheme = /^https?:/i.test(found) ? '' : /^www\./i.test(found) ? 'https://' : 'mailto:';
    parts.push(text.slice(end, index), link(scheme + found, found));
    end = index + found.length;
  }
  return [...parts, text.slice(end)];
}
