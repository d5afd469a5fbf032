/** The dialog in which saved replies are created, edited and deleted. */

import { ask, dialog } from './dialogs.js';
import { el, fill, iconButton } from './dom.js';
import { errorText } from './errors.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').SavedReply} SavedReply */
/** @typedef {import('./savedReplies.js').SavedReplies} SavedReplies */

const LONGEST = 4000;

/**
 * Open the dialog.
 *
 * @param {SavedReplies} savedReplies
 * @param {import('./actions.js').Actions} actions
 */
export async function openSavedReplies(savedReplies, actions) {
  const list = el('ul', { class: 'saved-replies-list' });
  const shown = dialog(
    texts.savedReplies,
    [
      el('p', { class: 'quiet' }, texts.savedRepliesIntro),
      el(
        'button',
        { type: 'button', class: 'button primary', onClick: () => edit(null) },
        icon('plus'),
        texts.newSavedReply,
      ),
      list,
    ],
    { wide: true },
  );
  /** @type {Promise<SavedReply[]> | null} */
  let latest = null;
  const paint = async () => {
    const asked = (latest = savedReplies.list({ fresh: true }));
    try {
      const replies = await asked;
      if (asked !== latest) return;
      fill(list, ...replies.map(line), replies.length === 0 && el('li', { class: 'quiet' }, texts.savedRepliesEmpty));
    } catch {
      if (asked === latest) fill(list, el('li', { class: 'problem', role: 'alert' }, texts.savedRepliesFailed));
    }
  };
  const line = (/** @type {SavedReply} */ reply) =>
    el(
      'li',
      {},
      el(
        'div',
        { class: 'saved-reply-text' },
        el('b', {}, `/${reply.shortcut}`),
        el('p', { dir: 'auto' }, reply.content),
      ),
      iconButton('edit', texts.editNamed(reply.shortcut), () => edit(reply)),
      iconButton('trash', texts.deleteNamed(reply.shortcut), () => void remove(reply)),
    );
  const edit = (/** @type {SavedReply | null} */ reply) => openEditor(savedReplies, reply, () => void paint());
  const remove = async (/** @type {SavedReply} */ reply) => {
    if (!(await ask(texts.deleteSavedReply(reply.shortcut), texts.deleteSavedReplyText, texts.delete))) return;
    await actions.attempt(() => savedReplies.delete(reply));
    await paint();
    shown.focus();
  };
  await paint();
}

/**
 * @param {SavedReplies} savedReplies
 * @param {SavedReply | null} reply
 * @param {() => void} onSaved
 */
function openEditor(savedReplies, reply, onSaved) {
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
  shortcut.value = reply?.shortcut ?? '';
  content.value = reply?.content ?? '';
  const problem = el('p', { class: 'problem', role: 'alert' });
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await savedReplies.save(reply, { shortcut: shortcut.value.trim(), content: content.value });
      shown.close();
      onSaved();
    } catch (error) {
      problem.textContent = saveErrorText(error);
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
  const shown = dialog(reply ? texts.editNamed(reply.shortcut) : texts.newSavedReply, [form]);
  shortcut.focus();
}

/**
 * The form holds what else the server checks, so a shortcut that it refuses is one that exists.
 *
 * @param {unknown} error
 */
function saveErrorText(error) {
  const { details } = /** @type {{details?: Record<string, unknown>}} */ (error);
  return details?.shortcut ? texts.shortcutTaken : errorText(error);
}
