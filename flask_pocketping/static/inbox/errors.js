/** What to tell the operator when a request fails: a text for each error code, never the server's own words. */

import { Refused, Unreachable } from './api.js';
import { texts } from './texts.js';

/**
 * Return the text for an error.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function errorText(error) {
  if (error instanceof Unreachable) return texts.errors.unreachable;
  if (!(error instanceof Refused)) return texts.actionFailed;
  if (error.details.size) return texts.errors.emptyFile;
  if (error.status === 413) return texts.errors.PAYLOAD_TOO_LARGE;
  // An app may refuse a message in its own words; the server's own refusals name the fields.
  if (error.code === 'INVALID_REQUEST' && !Object.keys(error.details).length && error.message) return error.message;
  return /** @type {Record<string, string>} */ (texts.errors)[error.code] ?? texts.actionFailed;
}
