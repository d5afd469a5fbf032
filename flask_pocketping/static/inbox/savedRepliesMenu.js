/** The menu above the composer with the saved replies that match what stands behind a slash. */

import { announce, el, fill, setAttribute } from './dom.js';
import { matchingReplies, slashWord } from './savedReplies.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').SavedReply} SavedReply */

export class SavedRepliesMenu {
  /**
   * @param {import('./savedReplies.js').SavedReplies} savedReplies
   * @param {HTMLTextAreaElement} field
   * @param {() => void} onInsert
   */
  constructor(savedReplies, field, onInsert) {
    this.savedReplies = savedReplies;
    this.field = field;
    this.onInsert = onInsert;
    /** @type {SavedReply[]} */
    this.found = [];
    this.at = 0;
    this.element = el('ul', {
      class: 'saved-replies-menu',
      id: 'saved-replies-menu',
      role: 'listbox',
      'aria-label': texts.savedReplies,
      hidden: true,
    });
    field.setAttribute('aria-controls', 'saved-replies-menu');
  }

  get isOpen() {
    return !this.element.hidden;
  }

  async update() {
    if (slashWord(this.field.value, this.field.selectionStart) === undefined) return this.close();
    const replies = await this.savedReplies.list();
    const word = slashWord(this.field.value, this.field.selectionStart);
    if (word === undefined || document.activeElement !== this.field) return this.close();
    this.found = matchingReplies(replies, word);
    this.at = 0;
    this.element.hidden = replies.length === 0;
    this.paint();
    if (this.isOpen) announce(this.found.length ? texts.savedRepliesFound(this.found.length) : texts.noSavedReply);
  }

  close() {
    this.element.hidden = true;
    this.field.removeAttribute('aria-activedescendant');
  }

  paint() {
    fill(
      this.element,
      ...this.found.map((reply, index) => this.option(reply, index)),
      this.found.length === 0 &&
        el('li', { class: 'saved-replies-none', role: 'option', 'aria-disabled': 'true' }, texts.noSavedReply),
    );
    const active = this.found.length && this.isOpen ? `saved-reply-${this.at}` : null;
    setAttribute(this.field, 'aria-activedescendant', active);
    this.element.children[this.at]?.scrollIntoView({ block: 'nearest' });
  }

  /**
   * @param {SavedReply} reply
   * @param {number} index
   */
  option(reply, index) {
    const onMousedown = (/** @type {MouseEvent} */ event) => {
      event.preventDefault();
      this.insert(reply);
    };
    return el(
      'li',
      { id: `saved-reply-${index}`, role: 'option', 'aria-selected': String(index === this.at), onMousedown },
      el('b', {}, `/${reply.shortcut}`),
      el('span', { dir: 'auto' }, reply.content),
    );
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the menu used the key
   */
  key(event) {
    if (!this.isOpen) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const picked = this.found[this.at];
    if (step && this.found.length) {
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.paint();
    } else if ((event.key === 'Enter' || event.key === 'Tab') && picked && !event.shiftKey) this.insert(picked);
    else if (event.key === 'Escape') this.close();
    else return false;
    return true;
  }

  /** @param {SavedReply} reply */
  insert({ content }) {
    const { value, selectionStart } = this.field;
    const word = slashWord(value, selectionStart) ?? '';
    this.field.setRangeText(content, selectionStart - word.length - 1, selectionStart, 'end');
    this.close();
    this.onInsert();
    this.field.focus();
  }
}
