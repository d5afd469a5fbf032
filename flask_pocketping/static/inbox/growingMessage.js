/** An answer of the AI that is still being written, below the last message. */

import { content } from './content.js';
import { el, fill } from './dom.js';
import { icon } from './icons.js';
import { aiBadge } from './message.js';
import { texts } from './texts.js';

export class GrowingMessage {
  constructor() {
    // The inbox announces visitors' messages only: a screen reader finds this one where it reads, but does not read it out.
    this.element = el('div', { class: 'growing', 'aria-busy': 'true', hidden: true });
  }

  /** @param {string} text '' hides it */
  show(text) {
    this.element.hidden = !text;
    fill(this.element, text && line(text));
  }
}

/** @param {string} text */
function line(text) {
  return el(
    'div',
    { class: 'message ours ai', 'data-first': true },
    el('p', { class: 'author' }, icon('spark'), texts.assistant, aiBadge()),
    el('div', { class: 'bubble-line' }, el('div', { class: 'bubble' }, content(text))),
    // As high as the time of the message that replaces it.
    el('p', { class: 'foot' }, '\u00a0'),
  );
}
