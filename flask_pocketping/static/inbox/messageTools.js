/** The tools of a message: reply, send again to a bridge, and for those that may: edit and delete. */

import { bridgeName, isHeldUp } from './bridges.js';
import { el, fill, iconButton } from './dom.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Message} Message */
/** @typedef {import('./message.js').MessageActions} MessageActions */

/**
 * @param {Message} message
 * @param {HTMLLIElement} item
 * @param {HTMLDivElement} bubble
 * @param {Pick<import('./message.js').Context, 'mayChange' | 'deliveries'>} context
 * @param {MessageActions} actions
 */
export function toolbar(message, item, bubble, { mayChange, deliveries }, actions) {
  return el(
    'div',
    { class: 'tools', role: 'group', 'aria-label': texts.messageActions },
    iconButton('reply', texts.reply, () => actions.reply(message)),
    ...deliveries
      .filter(isHeldUp)
      .map((one) =>
        iconButton('again', texts.sendAgainTo(bridgeName(one.bridge)), () => actions.sendAgain(message, one)),
      ),
    mayChange && Boolean(message.content) && iconButton('edit', texts.edit, () => edit(message, item, bubble, actions)),
    mayChange && iconButton('trash', texts.delete, () => actions.remove(message)),
  );
}

/**
 * Put an editor where the text of a message is, until it is saved or given up.
 *
 * @param {Message} message
 * @param {HTMLLIElement} item
 * @param {HTMLDivElement} bubble
 * @param {MessageActions} actions
 */
function edit(message, item, bubble, actions) {
  const before = [...bubble.childNodes];
  const field = el('textarea', {
    class: 'edit-field',
    'aria-label': texts.editMessage,
    maxlength: 4000,
    rows: Math.min(8, message.content.split('\n').length + 1),
    dir: 'auto',
  });
  field.value = message.content;
  const end = () => {
    item.classList.remove('is-edited');
    bubble.replaceChildren(...before);
    item.querySelector('button')?.focus();
    actions.edited();
  };
  const save = async () => {
    const text = field.value.trim();
    if (!text || text === message.content) return end();
    if (await actions.edit(message, text)) end();
  };
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') end();
    else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) void save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  item.classList.add('is-edited');
  fill(
    bubble,
    field,
    el(
      'div',
      { class: 'edit-actions' },
      el('button', { type: 'button', class: 'link', onClick: end }, texts.cancel),
      el('button', { type: 'button', class: 'link strong', onClick: () => void save() }, texts.save),
    ),
  );
  field.focus();
}
