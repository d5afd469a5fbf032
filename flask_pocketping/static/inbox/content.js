/** The text of a message: what operators and the AI write with its Markdown, what visitors write as it is. */

import { markdown } from '../shared/markdown.js';
import { el } from './dom.js';
import { linkParts } from './format.js';
import { marked } from './marks.js';

/**
 * Make the element that shows the text of a message, with its addresses as links.
 *
 * @param {string} text
 * @param {object} [options]
 * @param {boolean} [options.asWritten] whether to show the marks of Markdown
 * @param {string} [options.query] what was searched for
 */
export function content(text, { asWritten = false, query = '' } = {}) {
  if (!text) return null;
  const leaf = (/** @type {string} */ part, /** @type {boolean} */ bare) =>
    bare ? marked(part, query) : linked(part, query);
  const parts = asWritten ? linked(text, query) : markdown(text, leaf);
  return el('div', { class: 'content', dir: 'auto' }, ...parts);
}

/**
 * @param {string} text
 * @param {string} query
 * @returns {(Node | string)[]}
 */
function linked(text, query) {
  return linkParts(text).flatMap(({ text: part, href }) =>
    href
      ? [el('a', { href, target: '_blank', rel: 'noopener noreferrer' }, ...marked(part, query))]
      : marked(part, query),
  );
}
