/** The widget's texts in the page's language, or in English, with those that the page replaces. */

import { languages } from './languages.js';

/** The names of the texts, in the order of the lines of each language. */
export const names = /** @type {const} */ (
  'stars ai remove sure deleted sent send welcome messages edited sending attach delivered online typing contact placeholder rate edit retry empty wrong comment failed offline team away close reply you cancel large slow phone save thanks email limit reach address number reload read skip closed fresh reopened again open pace badge many'
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

/**
 * How dates and times are written: as the visitor's browser has them, if it speaks the language of the chat.
 * @param {string} language
 */
export function localeFor(language) {
  const spoken = (/** @type {string} */ tag) => tag.split('-')[0].toLowerCase();
  const own = navigator.languages.find((tag) => spoken(tag) === spoken(language));
  try {
    return Intl.getCanonicalLocales(own ?? language)[0];
  } catch {
    return undefined;
  }
}

/** @param {number} value @param {string} unit one that Intl knows @param {string} [locale] */
export const measure = (value, unit, locale) =>
  new Intl.NumberFormat(locale, { style: 'unit', unit, maximumSignificantDigits: 2 }).format(value);
