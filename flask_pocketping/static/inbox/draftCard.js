/** A draft of the AI above the composer, which the operator sends, changes or drops. */

import { content } from './content.js';
import { announce, el, fill } from './dom.js';
import { icon } from './icons.js';
import { sourceList } from './sources.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').AIDraft} AIDraft */

const LONGEST = 4000;

export class DraftCard {
  /**
   * @param {import('./app.js').App} app
   * @param {string} sessionId
   */
  constructor(app, sessionId) {
    this.app = app;
    this.sessionId = sessionId;
    /** @type {AIDraft | undefined} */
    this.draft = undefined;
    /** The field with the changed text, while there is one. @type {HTMLTextAreaElement | null} */
    this.field = null;
    /** Whether a decision is on its way. */
    this.busy = false;
    this.element = el('section', { class: 'ai-card', 'aria-label': texts.ai.draft, hidden: true });
  }

  /** Show the draft that waits, if there is one. */
  paint() {
    const { store } = this.app;
    const open = store.sessions.get(this.sessionId)?.status !== 'closed';
    const draft = open ? store.ai.pendingDraft(this.sessionId) : undefined;
    if (this.busy || draft?.id === this.draft?.id) return;
    this.#keepChanges();
    const focused = this.element.contains(document.activeElement);
    this.draft = draft;
    this.field = null;
    this.element.hidden = !draft;
    fill(this.element, ...(draft ? this.#shown(draft) : []));
    if (draft) announce(texts.ai.draftCame);
    if (focused) this.#focus();
  }

  /**
   * @param {AIDraft} draft
   * @returns {import('./dom.js').Child[]}
   */
  #shown(draft) {
    const text = el('div', { class: 'ai-card-text', tabindex: 0, role: 'group', 'aria-label': texts.ai.draftText });
    fill(text, content(draft.content));
    return [
      head(),
      text,
      sourceList(draft.passages),
      this.#buttons(
        button(texts.ai.sendDraft, () => void this.send(draft), 'primary'),
        button(texts.ai.editDraft, () => this.edit(draft)),
        button(texts.ai.dropDraft, () => void this.drop(draft)),
      ),
    ];
  }

  /**
   * Put a field where the text is.
   *
   * @param {AIDraft} draft
   */
  edit(draft) {
    const field = el('textarea', {
      class: 'edit-field',
      'aria-label': texts.ai.draftText,
      maxlength: LONGEST,
      rows: Math.min(8, draft.content.split('\n').length + Math.ceil(draft.content.length / 60)),
      dir: 'auto',
      enterkeyhint: 'send',
    });
    field.value = draft.content;
    // As with a reply: the other side sees that somebody is replying, and the AI writes no other draft meanwhile.
    field.addEventListener('input', () => this.app.conversation.composer?.tellTyping(field.value));
    const cancel = () => {
      this.field = null;
      this.app.conversation.composer?.endTyping();
      fill(this.element, ...this.#shown(draft));
      this.#focus();
    };
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') cancel();
      else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) void this.send(draft);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.field = field;
    fill(
      this.element,
      head(),
      field,
      sourceList(draft.passages),
      this.#buttons(
        button(texts.ai.sendDraft, () => void this.send(draft), 'primary'),
        button(texts.cancel, cancel),
      ),
    );
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  /** @param {AIDraft} draft */
  async send(draft) {
    const text = this.field?.value.trim() ?? draft.content;
    if (!text) return;
    const changed = text === draft.content ? undefined : text;
    if (await this.#decide(() => this.app.actions.sendDraft(draft, changed))) this.app.conversation.log.toEnd();
  }

  /** @param {AIDraft} draft */
  async drop(draft) {
    if (await this.#decide(() => this.app.actions.dropDraft(draft))) announce(texts.ai.draftDropped);
  }

  /**
   * @param {() => Promise<boolean>} decide
   * @returns {Promise<boolean>} whether the draft was decided on here
   */
  async #decide(decide) {
    if (this.busy) return false;
    this.busy = true;
    for (const one of this.element.querySelectorAll('button')) one.setAttribute('aria-disabled', 'true');
    const done = await decide();
    this.busy = false;
    for (const one of this.element.querySelectorAll('button')) one.removeAttribute('aria-disabled');
    if (done && this.field) {
      this.field = null;
      this.app.conversation.composer?.endTyping();
    }
    this.paint();
    return done;
  }

  /** The draft has gone while it was being changed here: what was written is not lost. */
  #keepChanges() {
    const text = this.field?.value.trim();
    if (!text || text === this.draft?.content) return;
    this.app.conversation.composer?.insert(text);
    this.app.frame.showToast(texts.ai.draftMoved);
  }

  #focus() {
    const first = this.element.querySelector('button');
    if (first && !this.element.hidden) first.focus();
    else this.app.conversation.composer?.focus();
  }

  /** @param {...HTMLButtonElement} buttons */
  #buttons(...buttons) {
    return el('div', { class: 'ai-card-buttons' }, ...buttons);
  }
}

function head() {
  return el(
    'p',
    { class: 'ai-card-head' },
    icon('spark'),
    el('b', {}, texts.ai.draft),
    el('span', { class: 'quiet', dir: 'auto' }, texts.ai.draftHint),
  );
}

/**
 * @param {string} label
 * @param {() => void} onClick
 * @param {string} [more] further classes
 */
function button(label, onClick, more = '') {
  return el('button', { type: 'button', class: `button ${more}`.trim(), onClick }, label);
}
