/** The pane with one conversation: its head, its messages, who types, and the composer. */

import { AIStrip } from './aiStrip.js';
import { Composer } from './composer.js';
import { ConversationHead } from './conversationHead.js';
import { announce, el, fill, inNextFrame, setAttribute } from './dom.js';
import { DraftCard } from './draftCard.js';
import { firstSteps } from './firstSteps.js';
import { nameOf, preview } from './format.js';
import { GrowingMessage } from './growingMessage.js';
import { icon } from './icons.js';
import { MessageLog } from './messageLog.js';
import { RequestCard } from './requestCard.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').Message} Message */

/** Milliseconds in which messages gather that a screen reader would read one after the other. */
const READ_EVERY = 2000;

export class ConversationPane {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.sessionId = '';
    /** @type {Composer | null} */
    this.composer = null;
    /** What the AI waits for, above the composer. @type {(DraftCard | RequestCard)[]} */
    this.aiCards = [];
    /** The message to jump to as soon as the conversation is there. */
    this.wanted = '';
    this.reading = 0;
    /** @type {Message[]} */
    this.unread = [];
    this.typing = el(
      'div',
      { class: 'typing', 'aria-hidden': 'true', hidden: true },
      el('i', {}),
      el('i', {}),
      el('i', {}),
    );
    this.head = new ConversationHead(app);
    this.aiStrip = new AIStrip(app);
    this.growing = new GrowingMessage();
    this.log = new MessageLog(app, this.growing.element, this.typing);
    this.replying = el('p', { class: 'replying', role: 'status' });
    this.foot = el('div', { class: 'conversation-foot' });
    this.blank = el('div', { class: 'scroller pick' });
    this.element = el(
      'div',
      {
        class: 'pane conversation-pane',
        onDragover: (event) => this.drag(event, true),
        onDragleave: (event) => this.drag(event, false),
        onDrop: (event) => this.drop(event),
      },
      this.head.element,
      this.aiStrip.element,
      this.log.element,
      this.replying,
      this.foot,
      this.blank,
    );
    this.renderHead = inNextFrame(() => this.paintHead());
    this.renderTyping = inNextFrame(() => this.paintTyping());
    this.renderGrowing = inNextFrame(() => this.paintGrowing());
    const { store } = app;
    store.on('conversation', (id) => id === this.sessionId && this.log.render());
    store.on('session', (id) => id === this.sessionId && this.renderHead());
    store.on('typing', (id) => id === this.sessionId && this.renderTyping());
    store.on('growing', (id) => id === this.sessionId && this.renderGrowing());
    store.on('ai', (id) => id === this.sessionId && this.paintAi());
    store.on('message', (message) => this.tell(message));
    for (const topic of ['operators', 'query']) store.on(topic, () => this.log.render());
    store.on('operators', () => this.renderHead());
    store.on('counts', () => this.paintBlank());
    this.show('');
  }

  /** @param {string} sessionId '' shows none */
  show(sessionId) {
    if (sessionId === this.sessionId && this.composer) return;
    this.composer?.endTyping();
    this.sessionId = sessionId;
    this.wanted = '';
    this.composer = sessionId ? new Composer(this.app, sessionId) : null;
    this.aiCards = sessionId ? [new RequestCard(this.app, sessionId), new DraftCard(this.app, sessionId)] : [];
    const cards = el('div', { class: 'ai-cards' }, ...this.aiCards.map(({ element }) => element));
    fill(this.foot, cards, this.composer?.element);
    for (const part of [this.head.element, this.log.element, this.replying, this.foot]) part.hidden = !sessionId;
    if (!sessionId) this.aiStrip.element.hidden = true;
    this.blank.hidden = Boolean(sessionId);
    this.log.show(sessionId);
    if (!sessionId) return this.paintBlank();
    this.paintHead();
    this.paintAi();
    this.paintTyping();
    this.paintGrowing();
  }

  /** @param {import('./messageLog.js').State} state */
  setState(state) {
    this.log.state = state;
    this.foot.hidden = state === 'gone';
    this.log.render();
    if (state === 'ready' && this.wanted) this.jumpTo(this.wanted);
  }

  /**
   * Bring a message into view, now or as soon as the conversation is there.
   *
   * @param {string} messageId
   */
  jumpTo(messageId) {
    const ready = this.log.state === 'ready';
    this.wanted = ready ? '' : messageId;
    if (ready) void this.log.jumpTo(messageId);
  }

  paintHead() {
    this.composer?.paint();
    this.head.paint(this.sessionId);
    this.aiStrip.paint(this.sessionId);
    this.paintAi();
  }

  paintAi() {
    for (const card of this.aiCards) card.paint();
  }

  paintBlank() {
    const { app } = this;
    const pick = [icon('chats'), el('h2', {}, texts.pickTitle), el('p', {}, texts.pickText)];
    const empty = app.store.isEmpty;
    if (this.blank.dataset.empty === String(empty)) return;
    this.blank.dataset.empty = String(empty);
    fill(this.blank, empty ? firstSteps(app) : el('div', { class: 'blank wide-blank' }, ...pick));
  }

  // Typing, and announcements

  paintTyping() {
    const { store } = this.app;
    const session = store.sessions.get(this.sessionId);
    const types = store.typing.isVisitorTyping(this.sessionId);
    const names = store.typing.operators(this.sessionId).map(({ id, name }) => store.names.label(id, name));
    const words = [types && session && texts.visitorTypes(nameOf(session)), names.length > 0 && texts.replying(names)]
      .filter(Boolean)
      .join(' · ');
    this.typing.hidden = !types;
    if (this.replying.textContent !== words) this.replying.textContent = words;
    if (types && this.log.following) this.log.toEnd();
  }

  paintGrowing() {
    this.growing.show(this.app.store.growing.of(this.sessionId));
    if (this.log.following) this.log.toEnd();
  }

  /**
   * Have a screen reader read a visitor's message; of many at once, how many there are.
   *
   * @param {Message} message
   */
  tell(message) {
    if (message.sessionId !== this.sessionId) return;
    this.unread.push(message);
    if (this.reading) return;
    this.readOut();
    this.reading = window.setInterval(() => this.readOut(), READ_EVERY);
  }

  readOut() {
    const [message] = this.unread;
    const count = this.unread.length;
    this.unread = [];
    if (!message) {
      clearInterval(this.reading);
      this.reading = 0;
      return;
    }
    const session = this.app.store.sessions.get(message.sessionId);
    if (message.sessionId !== this.sessionId || !session) return;
    announce(count === 1 ? `${texts.says(nameOf(session))}: ${preview(message)}` : texts.moreMessages(count));
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
    setAttribute(this.element, 'data-drop', (over || left) && this.composer.takesFiles ? texts.dropFiles : null);
  }

  /** @param {DragEvent} event */
  drop(event) {
    this.element.removeAttribute('data-drop');
    if (!event.dataTransfer?.files.length || !this.composer) return;
    // Without this, the browser leaves the page and shows the file.
    event.preventDefault();
    if (this.composer.form.hidden || !this.composer.takesFiles) return;
    this.composer.uploads.add(event.dataTransfer.files);
    this.composer.focus();
  }
}
