/** The strip below a conversation's head that says whether the AI answers, and lets the operator take over. */

import { announce, el, setAttribute } from './dom.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Session} Session */

export class AIStrip {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.active = false;
    this.words = el('span', { class: 'ai-strip-text' });
    this.button = el('button', { type: 'button', class: 'button', onClick: () => void this.press() });
    this.element = el('div', { class: 'ai-strip', hidden: true }, icon('spark'), this.words, this.button);
  }

  /** @param {string} sessionId */
  paint(sessionId) {
    const { sessions, capabilities } = this.app.store;
    const session = sessions.get(sessionId);
    const words = capabilities.ai && session?.status === 'active' ? wordsFor(session) : '';
    this.element.hidden = !words;
    this.active = Boolean(session?.aiActive);
    setAttribute(this.element, 'data-active', this.active);
    if (this.words.textContent !== words) this.words.textContent = words;
    const does = this.active ? texts.ai.takeOver : texts.ai.handBack;
    if (this.button.textContent !== does) this.button.textContent = does;
  }

  async press() {
    const takesOver = this.active;
    this.button.disabled = true;
    const answer = await this.app.actions.setAi(!takesOver);
    this.button.disabled = false;
    if (!answer) return;
    if (takesOver) announce(texts.ai.tookOver);
    // The next thing to do is to write; where the strip has gone, its button has lost the focus.
    this.app.conversation.composer?.focus();
  }
}

/** @param {Session} session */
function wordsFor({ aiActive, aiEnabled, aiHandedOver }) {
  if (aiActive) return texts.ai.answers;
  if (!aiEnabled) return texts.ai.isOff;
  return aiHandedOver ? texts.ai.handedOver : '';
}
