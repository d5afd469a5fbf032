/** The pane with one conversation: its head, its lines, who types, and the composer. */

import { Composer } from './composer.js';
import { ask } from './dialogs.js';
import { announce, el, fill, iconButton, inNextFrame, setAttribute } from './dom.js';
import { clockTime, dayLabel, nameOf, preview, safeUrl, shortUrl } from './format.js';
import { icon } from './icons.js';
import { avatar } from './list.js';
import { messageLine, pendingLine } from './message.js';
import { texts } from './texts.js';
import { timeline } from './timeline.js';

/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').Message} Message */
/** @typedef {import('./timeline.js').Line} Line */

/** Within so many pixels of the end, the view scrolls to new messages. */
const NEAR_END = 80;
const NEAR_START = 300;

export class ConversationPane {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.sessionId = '';
    /** @type {Composer | null} */
    this.composer = null;
    /** @type {Map<string, {element: HTMLElement, state: string}>} */
    this.shown = new Map();
    /** @type {'loading' | 'ready' | 'failed' | 'gone'} */
    this.state = 'loading';
    this.following = true;
    this.head = el('header', { class: 'conversation-head' });
    this.lines = el('ol', { class: 'lines', role: 'list' });
    this.top = el('div', { class: 'lines-top' });
    this.typing = el(
      'div',
      { class: 'typing', 'aria-hidden': 'true', hidden: true },
      el('i', {}),
      el('i', {}),
      el('i', {}),
    );
    this.scroller = el(
      'div',
      {
        class: 'scroller lines-scroller',
        role: 'region',
        'aria-label': texts.messages,
        tabindex: 0,
        onScroll: () => this.scrolled(),
      },
      this.top,
      this.lines,
      this.typing,
    );
    this.newer = el(
      'button',
      { type: 'button', class: 'newer', hidden: true, onClick: () => this.toEnd() },
      icon('down'),
      texts.newMessages,
    );
    this.replying = el('p', { class: 'replying', role: 'status' });
    this.foot = el('div', { class: 'conversation-foot' });
    this.blank = el(
      'div',
      { class: 'blank wide-blank' },
      icon('chats'),
      el('h2', {}, texts.pickTitle),
      el('p', {}, texts.pickText),
    );
    this.body = el('div', { class: 'conversation-body' }, this.scroller, this.newer);
    this.element = el(
      'div',
      {
        class: 'pane conversation-pane',
        onDragover: (event) => this.drag(event, true),
        onDragleave: (event) => this.drag(event, false),
        onDrop: (event) => this.drop(event),
      },
      this.head,
      this.body,
      this.replying,
      this.foot,
      this.blank,
    );
    this.render = inNextFrame(() => this.paint());
    this.renderHead = inNextFrame(() => this.paintHead());
    this.renderTyping = inNextFrame(() => this.paintTyping());
    const { store } = app;
    store.on('conversation', (id) => id === this.sessionId && this.render());
    store.on('session', (id) => id === this.sessionId && this.renderHead());
    store.on('typing', (id) => id === this.sessionId && this.renderTyping());
    store.on('message', (message) => this.tell(message));
    // The end stays in sight when a phone's keyboard, or a long reply, takes room,
    // and when a picture arrives.
    const follow = new ResizeObserver(() => this.following && this.toEnd());
    follow.observe(this.scroller);
    follow.observe(this.lines);
    this.show('');
  }

  /** @param {string} sessionId '' shows none */
  show(sessionId) {
    if (sessionId === this.sessionId && this.composer) return;
    this.composer?.endTyping();
    this.sessionId = sessionId;
    this.shown.clear();
    this.lines.replaceChildren();
    this.following = true;
    this.state = this.app.store.conversations.get(sessionId)?.loaded ? 'ready' : 'loading';
    this.composer = sessionId ? new Composer(this.app, sessionId) : null;
    fill(this.foot, this.composer?.element);
    for (const part of [this.head, this.body, this.replying, this.foot]) part.hidden = !sessionId;
    this.blank.hidden = Boolean(sessionId);
    this.newer.hidden = true;
    if (!sessionId) return;
    this.paintHead();
    this.paint();
    this.paintTyping();
    this.toEnd();
  }

  /** @param {'loading' | 'ready' | 'failed' | 'gone'} state */
  setState(state) {
    this.state = state;
    this.render();
  }

  // Head

  paintHead() {
    const session = this.app.store.sessions.get(this.sessionId);
    const back = iconButton('back', texts.backToList, () => this.app.router.up(), { class: 'icon-button back' });
    this.composer?.paint();
    if (!session) return fill(this.head, back);
    const name = nameOf(session);
    const closed = session.status === 'closed';
    const focused =
      document.activeElement instanceof HTMLElement && this.head.contains(document.activeElement)
        ? document.activeElement.dataset.name
        : '';
    const verified =
      session.identity?.verified &&
      el(
        'span',
        { class: 'verified', title: texts.verified },
        icon('verified'),
        el('span', { class: 'unseen' }, texts.verified),
      );
    fill(
      this.head,
      back,
      avatar(session.visitorId, name, session.visitorOnline),
      el(
        'div',
        { class: 'head-text' },
        el('div', { class: 'head-name' }, el('h2', { dir: 'auto', tabindex: -1 }, name), verified),
        el('p', { class: 'head-line', dir: 'auto' }, ...headLine(session)),
      ),
      el(
        'button',
        {
          type: 'button',
          class: 'button',
          'data-name': 'close',
          'aria-label': closed ? texts.reopenConversation : texts.closeConversation,
          onClick: () => void this.app.actions.toggleClosed(),
        },
        icon(closed ? 'open' : 'check'),
        el('span', { class: 'button-text' }, closed ? texts.reopen : texts.close),
      ),
      iconButton('panel', texts.showDetails, () => this.app.toggleDetails(), {
        'data-name': 'details',
        'aria-expanded': String(this.app.detailsShown()),
        class: 'icon-button details-toggle',
      }),
    );
    if (focused) this.headButton(focused)?.focus();
  }

  /**
   * @param {string} name
   * @returns {HTMLElement | null}
   */
  headButton(name) {
    return this.head.querySelector(`[data-name="${name}"]`);
  }

  // Lines

  paint() {
    const { store } = this.app;
    const conversation = store.conversations.get(this.sessionId);
    if (!conversation || !this.sessionId) return;
    // The heading of a day can't serve as a mark: it stays first when older messages of that day arrive.
    const mark = this.lines.querySelector(':scope > :not(.day)')?.getAttribute('data-key') ?? '';
    const above = this.shown.get(mark)?.element.offsetTop ?? 0;
    const lastBefore = this.lines.lastElementChild?.getAttribute('data-key');
    this.paintTop(conversation);
    this.placeLines(conversation.loaded ? timeline(conversation, store.pending.of(this.sessionId)) : []);
    if (this.following) return this.toEnd();
    // What is being read must not move when something is inserted above it.
    const now = this.shown.get(mark)?.element.offsetTop ?? above;
    if (now !== above) this.scroller.scrollTop += now - above;
    if (lastBefore !== this.lines.lastElementChild?.getAttribute('data-key')) this.newer.hidden = false;
  }

  /** @param {import('./store/messages.js').Conversation} conversation */
  paintTop({ loaded, hasMore }) {
    const shown = this.state === 'ready' && loaded ? String(hasMore) : this.state;
    if (this.top.dataset.shown === shown) return;
    this.top.dataset.shown = shown;
    if (this.state === 'failed')
      fill(
        this.top,
        el(
          'div',
          { class: 'blank', role: 'alert' },
          icon('alert'),
          el('p', {}, texts.conversationFailed),
          el(
            'button',
            { type: 'button', class: 'button', onClick: () => void this.app.loader.loadConversation(this.sessionId) },
            texts.tryAgain,
          ),
        ),
      );
    else if (this.state === 'gone')
      fill(this.top, el('div', { class: 'blank', role: 'alert' }, icon('alert'), el('p', {}, texts.conversationGone)));
    else if (this.state === 'loading')
      fill(
        this.top,
        el(
          'div',
          { class: 'skeleton lines-skeleton' },
          el('p', { class: 'unseen' }, texts.loading),
          ...Array.from({ length: 5 }, () => el('b', {})),
        ),
      );
    else if (hasMore)
      fill(
        this.top,
        el(
          'button',
          { type: 'button', class: 'link older', onClick: () => void this.app.loader.loadOlder(this.sessionId) },
          texts.loadOlder,
        ),
      );
    else fill(this.top, el('p', { class: 'beginning' }, texts.beginning));
    this.foot.hidden = this.state === 'gone';
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
    const session = this.app.store.sessions.get(this.sessionId);
    const visitor = session ? nameOf(session) : '';
    const state = JSON.stringify([line, visitor, this.quoted(line)]);
    const known = this.shown.get(line.key);
    // A message that is being edited keeps its editor.
    if (known && (known.state === state || known.element.classList.contains('is-edited'))) return known.element;
    const element = this.makeLine(line, visitor);
    element.setAttribute('data-key', line.key);
    known?.element.replaceWith(element);
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
    const message = replyTo && this.app.store.conversations.get(this.sessionId)?.byId.get(replyTo);
    return message && [message.content, message.deletedAt];
  }

  /**
   * @param {Line} line
   * @param {string} visitor
   */
  makeLine(line, visitor) {
    if (line.kind === 'day') return el('li', { class: 'day' }, el('h3', {}, dayLabel(line.at)));
    if (line.kind === 'note') return noteLine(line.note);
    if (line.kind === 'pending') return pendingLine(line.pending, { first: line.first, visitor }, this.actions);
    return messageLine(line.message, { first: line.first, last: line.last, visitor }, this.actions);
  }

  /** @returns {import('./message.js').MessageActions} */
  get actions() {
    const { app } = this;
    return {
      reply: (message) => this.composer?.reply(message),
      edit: (message, content) => app.actions.editMessage(message, content),
      edited: () => this.render(),
      remove: (message) => void this.remove(message),
      retry: (pending) => app.outbox.retry(pending),
      discard: (pending) => app.store.pending.drop(pending),
      find: (id) => app.store.conversations.get(this.sessionId)?.byId.get(id),
      show: (id) => this.showMessage(id),
    };
  }

  /** @param {Message} message */
  async remove(message) {
    if (await ask(texts.deleteQuestion, texts.deleteText, texts.delete)) await this.app.actions.deleteMessage(message);
  }

  /** @param {string} id */
  showMessage(id) {
    const element = this.shown.get(id)?.element;
    if (!element) return;
    element.scrollIntoView({ block: 'center' });
    element.classList.remove('is-shown');
    requestAnimationFrame(() => element.classList.add('is-shown'));
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.following = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.following) this.newer.hidden = true;
    if (scrollTop < NEAR_START && this.state === 'ready' && scrollHeight > clientHeight)
      void this.app.loader.loadOlder(this.sessionId);
  }

  toEnd() {
    this.following = true;
    this.newer.hidden = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  // Typing, and announcements

  paintTyping() {
    const { store } = this.app;
    const session = store.sessions.get(this.sessionId);
    const types = store.typing.isVisitorTyping(this.sessionId);
    const names = store.typing.operatorNames(this.sessionId);
    const words = [types && session && texts.visitorTypes(nameOf(session)), names.length > 0 && texts.replying(names)]
      .filter(Boolean)
      .join(' · ');
    this.typing.hidden = !types;
    if (this.replying.textContent !== words) this.replying.textContent = words;
    if (types && this.following) this.toEnd();
  }

  /** @param {Message} message */
  tell(message) {
    const session = this.app.store.sessions.get(message.sessionId);
    if (message.sessionId === this.sessionId && session)
      announce(`${texts.says(nameOf(session))}: ${preview(message)}`);
  }

  // Files that are dragged over it

  /**
   * @param {DragEvent} event
   * @param {boolean} over
   */
  drag(event, over) {
    if (!event.dataTransfer?.types.includes('Files') || !this.composer) return;
    event.preventDefault();
    const left = !over && event.relatedTarget instanceof Node && this.element.contains(event.relatedTarget);
    setAttribute(this.element, 'data-drop', over || left ? texts.dropFiles : null);
  }

  /** @param {DragEvent} event */
  drop(event) {
    this.element.removeAttribute('data-drop');
    if (!event.dataTransfer?.files.length || !this.composer) return;
    if (this.composer.form.hidden) return event.preventDefault();
    event.preventDefault();
    this.composer.uploads.add(event.dataTransfer.files);
    this.composer.focus();
  }
}

/**
 * @param {Session} session
 * @returns {import('./dom.js').Child[]}
 */
function headLine(session) {
  const { pageUrl, pageTitle } = session.metadata;
  const state = el(
    'span',
    { class: session.visitorOnline ? 'is-online' : '' },
    session.visitorOnline ? texts.online : texts.offline,
  );
  if (!pageUrl) return [state];
  return [state, ' · ', el('span', { dir: 'auto' }, String(pageTitle || shortUrl(String(pageUrl))))];
}

/** @param {import('./types.js').Note} note */
function noteLine(note) {
  const href = note.kind === 'page' ? safeUrl(note.url) : undefined;
  const text = href
    ? el('a', { href, target: '_blank', rel: 'noopener noreferrer', dir: 'auto' }, note.text)
    : el('span', { dir: 'auto' }, note.text);
  return el('li', { class: `note note-${note.kind}` }, text, el('time', { datetime: note.at }, clockTime(note.at)));
}
