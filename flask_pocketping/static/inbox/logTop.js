/** What stands above the lines of a conversation: its beginning, a button for older ones, or why there are none. */

import { el } from './dom.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

/**
 * @param {import('./messageLog.js').State} state
 * @param {boolean} hasMore whether there are older messages
 * @param {{again: () => void, older: () => void}} actions
 */
export function logTop(state, hasMore, { again, older }) {
  const retry = el('button', { type: 'button', class: 'button', onClick: again }, texts.tryAgain);
  switch (state) {
    case 'failed':
      return el('div', { class: 'blank', role: 'alert' }, icon('alert'), el('p', {}, texts.conversationFailed), retry);
    case 'gone':
      return el('div', { class: 'blank', role: 'alert' }, icon('alert'), el('p', {}, texts.conversationGone));
    case 'loading':
      return el(
        'div',
        { class: 'skeleton lines-skeleton' },
        el('p', { class: 'unseen' }, texts.loading),
        ...Array.from({ length: 5 }, () => el('b', {})),
      );
    default:
      return hasMore
        ? el('button', { type: 'button', class: 'link older', onClick: older }, texts.loadOlder)
        : el('p', { class: 'beginning' }, texts.beginning);
  }
}
