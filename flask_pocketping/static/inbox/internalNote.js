/** A note between the messages that only operators see. */

import { bridgeName, deliveryLines, isHeldUp } from './bridges.js';
import { content } from './content.js';
import { el } from './dom.js';
import { clockTime, fullTime } from './format.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Message} Message */

/**
 * A note of an operator, of a bridge or of the AI, which visitors do not see.
 *
 * @param {Message} message
 * @param {import('./message.js').Context} context
 * @param {import('./message.js').MessageActions} actions
 */
export function internalNote(message, { author, query, deliveries }, actions) {
  const { operatorName, sourceBridge } = message;
  const via = sourceBridge && ` ${texts.via(bridgeName(sourceBridge))}`;
  const again = (/** @type {import('./types.js').Delivery} */ one) =>
    isHeldUp(one) &&
    el('button', { type: 'button', class: 'link', onClick: () => actions.sendAgain(message, one) }, texts.sendAgain);
  return el(
    'li',
    { class: 'internal', 'data-id': message.id },
    operatorName && el('p', { class: 'internal-author', dir: 'auto' }, texts.noteBy(author), via),
    ...(operatorName ? [content(message.content, { query })] : ownNote(message.content, query)),
    el(
      'p',
      { class: 'internal-foot' },
      icon('eye'),
      texts.onlyOperators,
      ' · ',
      el('time', { datetime: message.createdAt, title: fullTime(message.createdAt) }, clockTime(message.createdAt)),
    ),
    deliveryLines(deliveries, again),
  );
}

/**
 * The text of a note of the server. Those of the AI say what they are, and a draft is folded: the one that waits stands
 * above the composer.
 *
 * @param {string} text
 * @param {string} query what was searched for
 */
function ownNote(text, query) {
  const known = texts.ai.notes.find(([sign]) => sign.test(text));
  if (!known) return [content(text, { query })];
  const [sign, title] = known;
  const head = [icon('spark'), el('b', {}, title)];
  const said = content(text.replace(sign, ''), { query });
  if (sign !== texts.ai.draftNote) return [el('p', { class: 'internal-author' }, ...head), said];
  return [el('details', { class: 'internal-draft', open: Boolean(query) }, el('summary', {}, ...head), said)];
}
