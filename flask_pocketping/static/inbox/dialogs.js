/** Dialogs: the browser's own, which keep the focus inside and close on Escape. */

import { el, iconButton } from './dom.js';
import { texts } from './texts.js';

let count = 0;

/**
 * Show a dialog.
 *
 * @param {string} title
 * @param {import('./dom.js').Child[]} children
 * @param {{wide?: boolean}} [options]
 * @returns {HTMLDialogElement}
 */
export function dialog(title, children, { wide = false } = {}) {
  const id = `dialog-${(count += 1)}`;
  const before = document.activeElement;
  const shown = el(
    'dialog',
    { class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': id },
    el(
      'header',
      { class: 'dialog-head' },
      el('h2', { id }, title),
      iconButton('cross', texts.dismiss, () => shown.close()),
    ),
    el('div', { class: 'dialog-body' }, ...children),
  );
  shown.addEventListener('close', () => {
    shown.remove();
    // The event comes late: the operator may have moved the focus by then.
    if (document.activeElement === document.body && before instanceof HTMLElement && before.isConnected) before.focus();
  });
  // A click on the backdrop closes it.
  shown.addEventListener('pointerdown', (event) => event.target === shown && shown.close());
  // Once closed, it keeps the focus for a moment, and the next key is none of its keys.
  shown.addEventListener('keydown', (event) => shown.open && event.stopPropagation());
  document.body.append(shown);
  shown.showModal();
  return shown;
}

/**
 * Ask before something that cannot be undone.
 *
 * @param {string} title
 * @param {string} text
 * @param {string} yes the words of the button that does it
 * @returns {Promise<boolean>}
 */
export function ask(title, text, yes) {
  return new Promise((resolve) => {
    const sure = el('button', { type: 'button', class: 'button danger', onClick: () => answer(true) }, yes);
    const shown = dialog(title, [
      el('p', {}, text),
      el(
        'div',
        { class: 'dialog-actions' },
        el('button', { type: 'button', class: 'button', onClick: () => answer(false) }, texts.cancel),
        sure,
      ),
    ]);
    const answer = (/** @type {boolean} */ found) => {
      resolve(found);
      shown.close();
    };
    shown.addEventListener('close', () => resolve(false));
    sure.focus();
  });
}

/** Show the keyboard shortcuts. */
export function openShortcuts() {
  const lines = texts.shortcutList.map(([keys, meaning]) =>
    el('div', { class: 'shortcut' }, el('dt', {}, ...keys.map((key) => el('kbd', {}, key))), el('dd', {}, meaning)),
  );
  dialog(texts.shortcuts, [el('dl', { class: 'shortcuts' }, ...lines)]);
}
