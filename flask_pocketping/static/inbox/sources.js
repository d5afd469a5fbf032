/** The passages of the knowledge base that an answer or a draft of the AI is based on. */

import { el } from './dom.js';
import { siteUrl } from './format.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

/**
 * A list that opens; nothing if there are no passages.
 *
 * @param {readonly import('./types.js').AISource[]} passages
 */
export function sourceList(passages) {
  if (!passages.length) return null;
  return el(
    'details',
    { class: 'sources' },
    el('summary', {}, texts.ai.sources(passages.length)),
    el('ul', {}, ...passages.map((one) => el('li', {}, ...line(one)))),
  );
}

/** @param {import('./types.js').AISource} source */
function line({ title, url, version }) {
  const href = siteUrl(url);
  return [
    href
      ? el('a', { href, target: '_blank', rel: 'noopener noreferrer', dir: 'auto' }, title, icon('link'))
      : el('span', { dir: 'auto' }, title),
    el('span', { class: 'quiet' }, texts.ai.version(version)),
  ];
}
