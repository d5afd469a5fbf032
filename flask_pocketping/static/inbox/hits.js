/** Finds in a text what was searched for. Pure functions; `marks.js` and the rows call them. */

/** The characters that a row has room for before what was found, and how many of them are kept. */
const LEAD = 16;

/**
 * Cut off the beginning of a line, so that what was searched for is in view.
 *
 * @param {string} line
 * @param {string} query
 */
export function fromHit(line, query) {
  const [lead, ...rest] = hitParts(line, query);
  if (!lead || lead.hit || !rest.length || lead.text.length <= LEAD) return line;
  const kept = lead.text.slice(-LEAD).replace(/^\S*\s+/, '');
  return `…${kept}${line.slice(lead.text.length)}`;
}

/**
 * Cut a text into parts: those that were searched for are hits, in upper or lower case.
 *
 * @param {string} text
 * @param {string} query '' marks nothing
 * @returns {{text: string, hit: boolean}[]}
 */
export function hitParts(text, query) {
  const words = query.trim().split(/\s+/).filter(Boolean);
  if (!words.length) return [{ text, hit: false }];
  // The server searches for the whole text; between its words, an excerpt has one blank where the message has several.
  const pattern = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('\\s+');
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(new RegExp(pattern, 'giu'))) {
    if (found.index > at) parts.push({ text: text.slice(at, found.index), hit: false });
    parts.push({ text: found[0], hit: true });
    at = found.index + found[0].length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), hit: false });
  return parts;
}
