/** What to tell the visitor when a request fails: a text in the page's language for each error code. */

import { RequestError } from './request.js';
import { measure } from './texts.js';

/** @type {Record<string, 'large' | 'slow' | 'reload'>} */
const byCode = { PAYLOAD_TOO_LARGE: 'large', RATE_LIMITED: 'slow', UPGRADE_REQUIRED: 'reload' };
/** Of bad input, by the name of its field. @type {Record<string, 'address' | 'number' | 'empty'>} */
const byField = { email: 'address', phone: 'number', size: 'empty' };

/**
 * @param {unknown} error
 * @param {WidgetTexts} texts
 * @param {string} [locale] for times and numbers
 */
export function explain(error, texts, locale) {
  if (!(error instanceof RequestError)) return texts.wrong;
  const { code = '', details, message, most = 0, wait } = error;
  // An app may refuse a message in its own words; the server's own refusals name the field.
  if (code === 'INVALID_REQUEST' && !details) return message;
  const field = Object.keys(details ?? {}).find((name) => name in byField) ?? '';
  const size = measure(most / 2 ** 20, 'megabyte', locale);
  const time = new Date(Date.now() + wait).toLocaleTimeString(locale);
  const text = most ? texts.limit : texts[byCode[code] ?? byField[field] ?? 'wrong'];
  return text.replace('{size}', size).replace('{time}', time);
}
