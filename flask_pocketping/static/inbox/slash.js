/** What a slash in an answer means: which saved answers fit it. Pure. */

/** @typedef {import('./types.js').CannedAnswer} CannedAnswer */

const SHOWN = 8;

/**
 * The answers that fit what stands behind the slash, the best first.
 *
 * @param {CannedAnswer[]} answers
 * @param {string} word
 */
export function fitting(answers, word) {
  const wanted = word.toLowerCase();
  const rank = (/** @type {CannedAnswer} */ { shortcut, content }) => {
    const name = shortcut.toLowerCase();
    return name.startsWith(wanted) ? 0 : name.includes(wanted) ? 1 : content.toLowerCase().includes(wanted) ? 2 : 3;
  };
  return answers
    .filter((answer) => rank(answer) < 3)
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, SHOWN);
}

/**
 * The word behind a slash that the cursor stands in, if there is one.
 *
 * @param {string} text
 * @param {number} cursor
 */
export function slashWord(text, cursor) {
  return /(?:^|\s)\/([\p{L}\p{N}_-]*)$/u.exec(text.slice(0, cursor))?.[1];
}
