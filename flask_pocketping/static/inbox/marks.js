/** Marks what was searched for in a text. */

import { el } from './dom.js';
import { hitParts } from './hits.js';

/** @typedef {import('./dom.js').Child} Child */

/**
 * Return a text for an element, with what was searched for marked.
 *
 * @param {string} text
 * @param {string} query
 * @returns {Child[]}
 */
export function marked(text, query) {
  return hitParts(text, query).map(({ text: part, hit }) => (hit ? el('mark', {}, part) : part));
}
