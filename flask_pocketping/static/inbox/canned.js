/** Saved answers: found by a slash while writing, and kept in a dialog. */

import { Refused } from './api.js';
import { ask, dialog } from './dialogs.js';
import { announce, el, fill, iconButton, setAttribute } from './dom.js';
import { icon } from './icons.js';
import { fitting, slashWord } from './slash.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').CannedAnswer} CannedAnswer */

const LONGEST = 4000;

/** The menu above the composer. */
export class CannedMenu {
  /**
   * @param {import('./app.js').App} app
   * @param {HTMLTextAreaElement} field
   * @param {() => void} onInsert
   */
  constructor(app, field, onInsert) {
    this.app = app;
    this.field = field;
    this.onInsert = onInsert;
    /** @type {CannedAnswer[]} */
    this.found = [];
    this.at = 0;
    this.element = el('ul', {
      class: 'canned-menu',
      id: 'canned-menu',
      role: 'listbox',
      'aria-label': texts.answers,
      hidden: true,
    });
    field.setAttribute('aria-controls', 'canned-menu');
  }

  get isOpen() {
    return !this.element.hidden;
  }

  async update() {
    if (slashWord(this.field.value, this.field.selectionStart) === undefined) return this.close();
    const answers = await this.app.answers();
    const word = slashWord(this.field.value, this.field.selectionStart);
    if (word === undefined || document.activeElement !== this.field) return this.close();
    this.found = fitting(answers, word);
    this.at = 0;
    this.element.hidden = answers.length === 0;
    this.paint();
    if (this.isOpen) announce(this.found.length ? texts.answersFound(this.found.length) : texts.noAnswers);
  }

  close() {
    this.element.hidden = true;
    this.field.removeAttribute('aria-activedescendant');
  }

  paint() {
    fill(
      this.element,
      ...this.found.map((answer, index) => this.option(answer, index)),
      this.found.length === 0 &&
        el('li', { class: 'canned-none', role: 'option', 'aria-disabled': 'true' }, texts.noAnswers),
    );
    setAttribute(this.field, 'aria-activedescendant', this.found.length && this.isOpen ? `canned-${this.at}` : null);
    this.element.children[this.at]?.scrollIntoView({ block: 'nearest' });
  }

  /**
   * @param {CannedAnswer} answer
   * @param {number} index
   */
  option(answer, index) {
    const onMousedown = (/** @type {MouseEvent} */ event) => {
      event.preventDefault();
      this.insert(answer);
    };
    return el(
      'li',
      { id: `canned-${index}`, role: 'option', 'aria-selected': String(index === this.at), onMousedown },
      el('b', {}, `/${answer.shortcut}`),
      el('span', { dir: 'auto' }, answer.content),
    );
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the key was the menu's
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

  /** @param {CannedAnswer} answer */
  insert({ content }) {
    const { value, selectionStart } = this.field;
    const word = slashWord(value, selectionStart) ?? '';
    this.field.setRangeText(content, selectionStart - word.length - 1, selectionStart, 'end');
    this.close();
    this.onInsert();
    this.field.focus();
  }
}

/** @param {import('./app.js').App} app */
export async function openManager(app) {
  const list = el('ul', { class: 'answer-list' });
  const shown = dialog(
    texts.answers,
    [
      el('p', { class: 'quiet' }, texts.answersIntro),
      el(
        'button',
        { type: 'button', class: 'button primary', onClick: () => edit(null) },
        icon('plus'),
        texts.newAnswer,
      ),
      list,
    ],
    { wide: true },
  );
  /** @type {Promise<CannedAnswer[]> | null} */
  let latest = null;
  const paint = async () => {
    const asked = (latest = app.answers({ fresh: true }));
    try {
      const answers = await asked;
      if (asked === latest)
        fill(list, ...answers.map(line), answers.length === 0 && el('li', { class: 'quiet' }, texts.answersEmpty));
    } catch {
      if (asked === latest) fill(list, el('li', { class: 'problem', role: 'alert' }, texts.answersFailed));
    }
  };
  const line = (/** @type {CannedAnswer} */ answer) =>
    el(
      'li',
      {},
      el('div', { class: 'answer-text' }, el('b', {}, `/${answer.shortcut}`), el('p', { dir: 'auto' }, answer.content)),
      iconButton('edit', texts.editNamed(answer.shortcut), () => edit(answer)),
      iconButton('trash', texts.deleteNamed(answer.shortcut), () => void remove(answer)),
    );
  const edit = (/** @type {CannedAnswer | null} */ answer) => editor(app, answer, () => void paint());
  const remove = async (/** @type {CannedAnswer} */ answer) => {
    if (!(await ask(texts.deleteAnswer(answer.shortcut), texts.deleteAnswerText, texts.delete))) return;
    await app.act(() => app.api.call('DELETE', `/saved-replies/${encodeURIComponent(answer.id)}`));
    await paint();
    shown.focus();
  };
  await paint();
}

/**
 * @param {import('./app.js').App} app
 * @param {CannedAnswer | null} answer
 * @param {() => void} onSaved
 */
function editor(app, answer, onSaved) {
  const shortcut = el('input', {
    class: 'field',
    required: true,
    maxlength: 40,
    pattern: '[A-Za-z0-9_\\-]+',
    title: texts.shortcutHint,
    autocomplete: 'off',
    autocapitalize: 'none',
  });
  const content = el('textarea', { class: 'field', required: true, maxlength: LONGEST, rows: 6, dir: 'auto' });
  shortcut.value = answer?.shortcut ?? '';
  content.value = answer?.content ?? '';
  const problem = el('p', { class: 'problem', role: 'alert' });
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const body = { shortcut: shortcut.value.trim(), content: content.value };
    try {
      if (answer) await app.api.call('PATCH', `/saved-replies/${encodeURIComponent(answer.id)}`, { body });
      else await app.api.call('POST', '/saved-replies', { body });
      shown.close();
      onSaved();
    } catch (error) {
      problem.textContent = error instanceof Refused ? error.message : texts.actionFailed;
    }
  };
  const form = el(
    'form',
    { class: 'stack', onSubmit: (event) => void save(event) },
    el('label', {}, texts.shortcut, el('span', { class: 'quiet' }, ` ${texts.shortcutHint}`), shortcut),
    el('label', {}, texts.content, content),
    problem,
    el(
      'div',
      { class: 'dialog-actions' },
      el('button', { type: 'button', class: 'button', onClick: () => shown.close() }, texts.cancel),
      el('button', { type: 'submit', class: 'button primary' }, texts.save),
    ),
  );
  const shown = dialog(answer ? texts.editNamed(answer.shortcut) : texts.newAnswer, [form]);
  shortcut.focus();
}
