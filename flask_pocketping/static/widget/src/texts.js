/** What the widget says: the words of a language, English if it speaks no other, with the page's own over them. */

import { languages } from './languages.js';

/** What the texts are called, in the order of the lines of each language. */
export const names = /** @type {const} */ (
  'open close team online away ai welcome messages placeholder send attach reply edit remove sure deleted edited sending sent delivered read failed retry cancel offline typing contact email phone save skip rate stars comment thanks closed reopened large'
);

/**
 * The texts of a language, and of the page where it has its own.
 * @param {string} language
 * @param {Partial<WidgetTexts>} [own]
 * @returns {WidgetTexts}
 */
export function textsFor(language, own) {
  const lines = (languages[language.split('-')[0].toLowerCase()] ?? languages.en).split('\n');
  /** @type {any} */
  const texts = Object.fromEntries(names.split(' ').map((name, at) => [name, lines[at]]));
  return { ...texts, ...own };
}
