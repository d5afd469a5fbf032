/** Marks what was searched for in a text. */

import { el } from './dom.js';
import { hitParts } from './hits.js';

/**
 * Return a text for an element, with what was searched for marked.
 *
 * @param {string} text
 * @param {string} query
 * @returns {(Node | string)[]}
 */
export function marked(text, query) {
  return hitParts(text, query).map(({ text: part, hit }) => (hit ? el('mark', {}, part) : part));
}
