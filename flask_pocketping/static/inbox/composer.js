/** Where a reply is written: text, a quote, files, and saved replies behind a slash. */

import { el, fill, iconButton, setAttribute } from './dom.js';
import { nameOf, preview } from './format.js';
import { icon } from './icons.js';
import { draftOf, keepDraft } from './preferences.js';
import { SavedRepliesMenu } from './savedRepliesMenu.js';
import { texts } from './texts.js';
import { Uploads } from './uploads.js';

/** @typedef {import('./types.js').Message} Message */

/** Milliseconds after which the other side is told again that the operator is typing. */
const TYPING_EVERY = 3000;
const TYPING_ENDS = 5000;
const LONGEST = 4000;

export class Composer {
  /**
   * @param {import('./app.js').App} app
   * @param {string} sessionId
   */
  constructor(app, sessionId) {
    this.app = app;
    this.sessionId = sessionId;
    /** @type {Message | null} */
    this.replyTo = null;
    this.toldAt = 0;
    this.silence = 0;
    this.uploads = uploadsOf(app, sessionId, () => this.paint());
    this.quote = el('div', { class: 'reply-strip', hidden: true });
    this.field = el('textarea', {
      class: 'compose-field',
      rows: 1,
      placeholder: texts.composeHint,
      'aria-label': texts.compose,
      dir: 'auto',
      enterkeyhint: 'send',
      'aria-autocomplete': 'list',
      onInput: () => this.changed(),
      onKeydown: (event) => this.key(event),
      onPaste: (event) => this.paste(event),
      onBlur: () => this.menu.close(),
    });
    this.field.value = draftOf(sessionId);
    this.menu = new SavedRepliesMenu(app.savedReplies, this.field, () => this.changed());
    this.picker = el('input', {
      type: 'file',
      multiple: true,
      hidden: true,
      tabindex: -1,
      'aria-hidden': 'true',
      onChange: () => this.pick(),
    });
    this.sendButton = el(
      'button',
      { type: 'submit', class: 'send', 'aria-label': texts.send, title: texts.sendKeys },
      icon('send'),
    );
    this.attach = iconButton('clip', texts.attach, () => this.picker.click());
    this.problem = el('p', { class: 'problem', role: 'alert' });
    this.form = el(
      'form',
      { class: 'compose', onSubmit: (event) => this.submit(event) },
      this.quote,
      this.uploads.element,
      this.menu.element,
      el('div', { class: 'compose-line' }, this.attach, this.field, this.sendButton),
      this.problem,
      this.picker,
    );
    this.closed = el(
      'div',
      { class: 'closed-strip', hidden: true },
      el('span', {}, texts.closedNotice),
      el('button', { type: 'button', class: 'button', onClick: () => void app.actions.toggleClosed() }, texts.reopen),
    );
    this.element = el('div', { class: 'composer' }, this.form, this.closed);
    this.paint();
  }

  /** Show what the session's state allows. */
  paint() {
    if (!this.form) return;
    const closed = this.app.store.sessions.get(this.sessionId)?.status === 'closed';
    this.form.hidden = closed;
    this.attach.hidden = !this.takesFiles;
    this.closed.hidden = !closed;
    const tooLong = [...this.field.value].length > LONGEST;
    const problem = tooLong ? texts.tooLong : this.uploads.crowded ? texts.tooManyFiles : '';
    if (this.problem.textContent !== problem) this.problem.textContent = problem;
    const something = this.field.value.trim() || this.uploads.attachments.length;
    this.sendButton.disabled = !something || tooLong || this.uploads.running;
    this.grow();
  }

  /** Whether the server takes files. */
  get takesFiles() {
    return this.app.store.capabilities.maxUploadSize !== undefined;
  }

  focus() {
    if (!this.form.hidden) this.field.focus();
    else this.closed.querySelector('button')?.focus();
  }

  /** @param {string} text */
  begin(text) {
    this.field.value = this.field.value || text;
    this.focus();
    this.changed();
  }

  /**
   * Add a text to what is being written.
   *
   * @param {string} text
   */
  insert(text) {
    this.field.value = [this.field.value, text].filter(Boolean).join('\n\n');
    this.focus();
    this.changed();
  }

  /** @param {Message | null} message */
  reply(message) {
    this.replyTo = message;
    this.quote.hidden = !message;
    if (!message) return fill(this.quote);
    const session = this.app.store.sessions.get(this.sessionId);
    const author = message.type === 'visitor' ? session && nameOf(session) : this.app.store.authorOf(message);
    fill(
      this.quote,
      icon('reply'),
      el(
        'span',
        { class: 'reply-text' },
        el('b', { dir: 'auto' }, `${texts.replyingTo} ${author}`),
        el('span', { dir: 'auto' }, preview(message)),
      ),
      iconButton('cross', texts.cancelReply, () => this.reply(null)),
    );
    this.focus();
  }

  changed() {
    keepDraft(this.sessionId, this.field.value);
    this.paint();
    this.menu.update();
    this.tellTyping();
  }

  /** The field is as high as its text, up to a third of the screen. */
  grow() {
    this.field.style.height = 'auto';
    this.field.style.height = `${this.field.scrollHeight + 2}px`;
  }

  // Typing

  /** @param {string} [text] what is being written */
  tellTyping(text = this.field.value) {
    const types = Boolean(text.trim());
    clearTimeout(this.silence);
    if (!types) return this.endTyping();
    this.silence = window.setTimeout(() => this.endTyping(), TYPING_ENDS);
    if (Date.now() - this.toldAt < TYPING_EVERY) return;
    if (this.app.connection.send({ type: 'typing', sessionId: this.sessionId, isTyping: true }))
      this.toldAt = Date.now();
  }

  endTyping() {
    clearTimeout(this.silence);
    if (this.toldAt) this.app.connection.send({ type: 'typing', sessionId: this.sessionId, isTyping: false });
    this.toldAt = 0;
  }

  // Keys, files, sending

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing) return;
    if (this.menu.key(event)) event.preventDefault();
    else if (event.key === 'Enter' && !event.shiftKey) this.submit(event);
    else if (event.key === 'Escape' && this.replyTo) this.reply(null);
    else if (event.key === 'Escape') this.field.blur();
    else return;
    event.stopPropagation();
  }

  /** @param {Event} event */
  submit(event) {
    event.preventDefault();
    if (this.sendButton.disabled) return;
    const content = this.field.value.trim();
    const replyTo = this.replyTo?.id;
    this.app.outbox.send({
      sessionId: this.sessionId,
      content,
      attachments: this.uploads.attachments,
      ...(replyTo && { replyTo }),
    });
    this.field.value = '';
    this.app.conversation.log.toEnd();
    this.uploads.clear();
    this.reply(null);
    this.changed();
    this.focus();
  }

  /** @param {ClipboardEvent} event */
  paste(event) {
    const files = event.clipboardData?.files;
    if (!files?.length || !this.takesFiles) return;
    event.preventDefault();
    this.uploads.add(files);
  }

  pick() {
    this.uploads.add(this.picker.files ?? []);
    this.picker.value = '';
    this.focus();
  }

  /** @param {boolean} over */
  dragging(over) {
    setAttribute(this.element, 'data-drop', over ? texts.dropFiles : null);
  }
}

/** The uploads of each session: they stay while the operator looks at others. @type {Map<string, Uploads>} */
const kept = new Map();

/**
 * @param {import('./app.js').App} app
 * @param {string} sessionId
 * @param {() => void} onChange
 */
function uploadsOf(app, sessionId, onChange) {
  const found = kept.get(sessionId) ?? new Uploads(app.api, sessionId, app.store);
  found.onChange = onChange;
  kept.set(sessionId, found);
  return found;
}
