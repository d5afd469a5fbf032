/** The lines of a conversation, which follow the newest one, stay where they are read, and jump to a message. */

import { bridgeName } from './bridges.js';
import { ask } from './dialogs.js';
import { el, fill, inNextFrame } from './dom.js';
import { dayLabel, nameOf } from './format.js';
import { icon } from './icons.js';
import { logTop } from './logTop.js';
import { messageLine, noteLine, pendingLine } from './message.js';
import { texts } from './texts.js';
import { timeline } from './timeline.js';

/** @typedef {import('./types.js').Message} Message */
/** @typedef {import('./timeline.js').Line} Line */
/** @typedef {import('./store/messages.js').Conversation} Conversation */
/** @typedef {'loading' | 'ready' | 'failed' | 'gone'} State */

/** Within so many pixels of an end, the view follows the newest message, or loads what comes next. */
const NEAR_END = 80;
const NEAR_PART = 300;
/** How many messages are kept while the newest are followed: what is above is loaded again when it is asked for. */
const MOST = 400;
const KEPT = 200;

export class MessageLog {
  /**
   * @param {import('./app.js').App} app
   * @param {import('./dom.js').Child[]} below what stands below the last line
   */
  constructor(app, ...below) {
    this.app = app;
    this.sessionId = '';
    /** @type {Map<string, {element: HTMLElement, state: unknown[]}>} */
    this.shown = new Map();
    /** @type {State} */
    this.state = 'loading';
    this.following = true;
    /** Where the view was scrolled to. */
    this.place = 0;
    /** The newest message that was known at the last paint. */
    this.newest = '';
    this.lines = el('ol', { class: 'lines', role: 'list' });
    this.top = el('div', { class: 'lines-top' });
    this.scroller = el(
      'div',
      {
        class: 'scroller lines-scroller',
        role: 'region',
        'aria-label': texts.messages,
        tabindex: 0,
        onScroll: () => this.scrolled(),
        onScrollend: () => this.rested(),
      },
      this.top,
      this.lines,
      ...below,
    );
    this.newer = el('button', { type: 'button', class: 'newer', hidden: true, onClick: () => this.toEnd() });
    this.element = el('div', { class: 'conversation-body' }, this.scroller, this.newer);
    this.render = inNextFrame(() => this.paint());
    // The end stays in sight when a phone's keyboard, or a long reply, takes room,
    // and when a picture arrives.
    const follow = new ResizeObserver(() => this.following && this.toEnd());
    follow.observe(this.scroller);
    follow.observe(this.lines);
  }

  get conversation() {
    return this.app.store.conversations.get(this.sessionId);
  }

  /** @param {string} sessionId '' shows none */
  show(sessionId) {
    this.sessionId = sessionId;
    this.shown.clear();
    this.lines.replaceChildren();
    this.following = true;
    this.newest = '';
    this.state = this.conversation?.loaded ? 'ready' : 'loading';
    this.pill('');
    if (!sessionId) return;
    this.paint();
    this.toEnd();
  }

  paint() {
    const { conversation } = this;
    if (!conversation || !this.sessionId) return;
    if (this.following) this.app.store.conversations.trim(this.sessionId, MOST, KEPT);
    // The heading of a day can't serve as a mark: it stays first when older messages of that day arrive.
    const mark = this.lines.querySelector(':scope > :not(.day)')?.getAttribute('data-key') ?? '';
    const above = this.shown.get(mark)?.element.offsetTop ?? 0;
    this.paintTop(conversation);
    const pending = this.app.store.pending.of(this.sessionId);
    this.placeLines(conversation.loaded ? timeline(conversation, pending) : []);
    const before = this.newest;
    this.newest = conversation.messages.at(-1)?.id ?? '';
    if (this.following) return this.toEnd();
    // What is being read must not move when something is inserted above it.
    const now = this.shown.get(mark)?.element.offsetTop ?? above;
    if (now !== above) this.moveTo(this.scroller.scrollTop + now - above);
    if (before && before !== this.newest) this.pill(texts.newMessages);
    else if (conversation.gapAfter === null && this.newer.textContent === texts.latestMessages) this.pill('');
    else if (conversation.gapAfter !== null && this.newer.hidden) this.pill(texts.latestMessages);
  }

  /** @param {Conversation} conversation */
  paintTop({ loaded, hasMore }) {
    const shown = this.state === 'ready' && loaded ? String(hasMore) : this.state;
    if (this.top.dataset.shown === shown) return;
    this.top.dataset.shown = shown;
    const { loader } = this.app;
    const content = logTop(this.state, hasMore, {
      again: () => void loader.loadConversation(this.sessionId),
      older: () => void loader.loadOlder(this.sessionId),
    });
    fill(this.top, content);
  }

  /** @param {Line[]} lines */
  placeLines(lines) {
    const wanted = new Set(lines.map(({ key }) => key));
    for (const [key, { element }] of this.shown) {
      if (wanted.has(key)) continue;
      element.remove();
      this.shown.delete(key);
    }
    /** @type {HTMLElement | null} */
    let before = null;
    for (const line of lines) {
      const element = this.lineElement(line);
      /** @type {Element | null} */
      const next = before ? before.nextElementSibling : this.lines.firstElementChild;
      if (element !== next) this.lines.insertBefore(element, next);
      before = element;
    }
  }

  /**
   * Return the element of a line: the one that is shown, unless the line has changed.
   *
   * @param {Line} line
   */
  lineElement(line) {
    const context = this.contextOf(line);
    const known = this.shown.get(line.key);
    // A message that is being edited keeps its editor.
    const edited = known?.element.classList.contains('is-edited');
    const state = [...contentOf(line), ...Object.values(context), this.quoted(line)];
    if (known && (edited || state.every((part, at) => part === known.state[at]))) return known.element;
    const element = this.makeLine(line, context);
    element.setAttribute('data-key', line.key);
    if (known) replace(known.element, element);
    this.shown.set(line.key, { element, state });
    return element;
  }

  /**
   * Return what is shown of the message that a line replies to; it may be edited, deleted, or arrive later.
   *
   * @param {Line} line
   */
  quoted(line) {
    const { replyTo } = line.kind === 'message' ? line.message : line.kind === 'pending' ? line.pending : {};
    return replyTo && this.conversation?.byId.get(replyTo);
  }

  /**
   * @param {Line} line
   * @returns {import('./message.js').Context}
   */
  contextOf(line) {
    const { store } = this.app;
    const session = store.sessions.get(this.sessionId);
    const message = line.kind === 'message' ? line.message : null;
    return {
      first: 'first' in line && line.first,
      last: 'last' in line && line.last,
      visitor: session ? nameOf(session) : '',
      author: message && message.type !== 'visitor' ? store.authorOf(message) : '',
      mayChange: message !== null && store.mayChange(message),
      query: store.sessions.listing.query,
      deliveries: message ? store.deliveries.of(message) : NOTHING,
      sources: message?.type === 'ai' ? store.ai.sourcesOf(message) : NOTHING,
    };
  }

  /**
   * @param {Line} line
   * @param {import('./message.js').Context} context
   */
  makeLine(line, context) {
    if (line.kind === 'day') return el('li', { class: 'day' }, el('h3', {}, dayLabel(line.at)));
    if (line.kind === 'note') return noteLine(line.note);
    if (line.kind === 'pending') return pendingLine(line.pending, context, this.actions);
    return messageLine(line.message, context, this.actions);
  }

  /** @returns {import('./message.js').MessageActions} */
  get actions() {
    const { app } = this;
    return {
      reply: (message) => app.conversation.composer?.reply(message),
      edit: (message, content) => app.actions.editMessage(message, content),
      edited: () => this.render(),
      remove: (message) => void this.remove(message),
      sendAgain: (message, delivery) => void this.sendAgain(message, delivery),
      retry: (pending) => app.outbox.retry(pending),
      discard: (pending) => app.store.pending.drop(pending),
      find: (id) => this.conversation?.byId.get(id),
      authorOf: (message) => app.store.authorOf(message),
      show: (id) => void this.jumpTo(id),
    };
  }

  /** @param {Message} message */
  async remove(message) {
    if (await ask(texts.deleteQuestion, texts.deleteText, texts.delete)) await this.app.actions.deleteMessage(message);
  }

  /**
   * @param {Message} message
   * @param {import('./types.js').Delivery} delivery
   */
  async sendAgain(message, { bridge, state }) {
    const name = bridgeName(bridge);
    const [question, text] = [texts.sendAgainQuestion(name), texts.sendAgainText(name)];
    if (state !== 'maybe' || (await ask(question, text, texts.sendAgain)))
      await this.app.actions.sendAgain(message, bridge);
  }

  // Scrolling

  /**
   * Bring a message into view, and load what is around it if it is not there yet.
   *
   * @param {string} id
   */
  async jumpTo(id) {
    const { sessionId } = this;
    if (!this.app.store.conversations.reveal(sessionId, id)) await this.app.loader.loadAround(sessionId, id);
    if (sessionId !== this.sessionId || !this.conversation?.byId.has(id)) return;
    this.following = false;
    this.paint();
    const element = this.shown.get(id)?.element;
    if (!element) return;
    element.scrollIntoView({ block: 'center' });
    this.place = this.scroller.scrollTop;
    this.follow();
    element.classList.remove('is-shown');
    requestAnimationFrame(() => element.classList.add('is-shown'));
  }

  /** Go to the newest message, and follow. */
  toEnd() {
    const gap = this.conversation?.gapAfter ?? null;
    this.following = true;
    this.pill('');
    if (gap !== null) {
      this.app.store.conversations.forgetOlderPart(this.sessionId);
      this.paint();
    }
    this.moveTo(this.scroller.scrollHeight);
  }

  /** @param {number} place */
  moveTo(place) {
    this.scroller.scrollTop = place;
    this.place = this.scroller.scrollTop;
  }

  get below() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const { below } = this;
    // Lines may have arrived since the view moved, so its distance from the end does not tell whether the operator has
    // scrolled away. Its direction does.
    if (scrollTop < this.place - 1 && below > 1) this.following = false;
    else if (scrollTop > this.place) this.follow();
    this.place = scrollTop;
    if (this.state !== 'ready' || scrollHeight <= clientHeight) return;
    if (scrollTop < NEAR_PART) void this.app.loader.loadOlder(this.sessionId);
    if (below < NEAR_PART) void this.app.loader.loadNewer(this.sessionId);
  }

  /** The view stands still: close to the end, a small step away from it does not count. */
  rested() {
    this.follow();
  }

  follow() {
    if (this.below >= NEAR_END || this.conversation?.gapAfter !== null) return;
    this.following = true;
    this.pill('');
  }

  /** @param {string} text '' hides it */
  pill(text) {
    this.newer.hidden = !text;
    if (text && this.newer.textContent !== text) fill(this.newer, icon('down'), text);
  }
}

/** For lines that are no messages. @type {never[]} */
const NOTHING = [];

/**
 * Put a line in the place of its former state. The tool that has the focus keeps it, and what the operator has opened
 * stays open.
 *
 * @param {HTMLElement} before
 * @param {HTMLElement} element
 */
function replace(before, element) {
  const focused = document.activeElement;
  const label = focused && before.contains(focused) ? focused.getAttribute('aria-label') : null;
  element.classList.toggle('picked', before.classList.contains('picked'));
  for (const name of ['.sources', '.internal-draft']) {
    const part = element.querySelector(name);
    if (part && before.querySelector(`${name}[open]`)) part.setAttribute('open', '');
  }
  before.replaceWith(element);
  if (!label) return;
  const tools = [...element.querySelectorAll('button')];
  (tools.find((tool) => tool.getAttribute('aria-label') === label) ?? tools[0])?.focus();
}

/**
 * What a line is made of. Messages and notes are replaced when they change, so comparing them is enough.
 *
 * @param {Line} line
 */
function contentOf(line) {
  if (line.kind === 'message') return [line.message];
  if (line.kind === 'pending') return [line.pending];
  return line.kind === 'note' ? [line.note.text, line.note.at] : [line.at, dayLabel(line.at)];
}
