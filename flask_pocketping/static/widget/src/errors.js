/** What to tell the visitor when a request fails: a text in the page's language for each error code. */

import { RequestError } from './request.js';

/** @type {Record<string, 'large' | 'slow' | 'reload'>} */
const byCode = { PAYLOAD_TOO_LARGE: 'large', RATE_LIMITED: 'slow', UPGRADE_REQUIRED: 'reload' };
/** Of bad input, by the name of its field. @type {Record<string, 'address' | 'number' | 'empty'>} */
const byField = { email: 'address', phone: 'number', size: 'empty' };

/**
 * @param {unknown} error
 * @param {WidgetTexts} texts
 */
export function explain(error, texts) {
  if (!(error instanceof RequestError)) return texts.wrong;
  const { code = '', details, message } = error;
  // An app may refuse a message in its own words; the server's own refusals name the field.
  if (code === 'INVALID_REQUEST' && !details) return message;
  const field = Object.keys(details ?? {}).find((name) => name in byField) ?? '';
  return texts[byCode[code] ?? byField[field] ?? 'wrong'];
}
