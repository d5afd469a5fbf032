/** Notes: the quiet lines between messages that tell of events and of the pages that the visitor viewed. */

import { nameOf, shortUrl } from '../format.js';
import { texts } from '../texts.js';

/** @typedef {import('../types.js').Frame} Frame */
/** @typedef {import('../types.js').Note} Note */
/** @typedef {import('../types.js').Session} Session */

const LONGEST_DATA = 120;

/**
 * Return the key by which a note is known. An event and the session itself may both tell of a rating, so those go by
 * their time.
 *
 * @param {Note['kind']} kind
 * @param {string} at
 * @param {string} [id] of the event
 */
export function noteKey(kind, at, id) {
  return id && !['asked', 'rated'].includes(kind) ? id : `${kind} ${at}`;
}

/**
 * Return the note that tells of an event, if it has one.
 *
 * @param {Frame} frame
 * @returns {Note | null}
 */
export function eventNote(frame) {
  const found = eventText(frame);
  const { id, timestamp: at } = frame;
  return found && { key: noteKey(found.kind, at, id), at, ...found };
}

/**
 * Return the note that tells of a page that the visitor viewed.
 *
 * @param {string} url
 * @param {string | null | undefined} title
 * @param {string} at
 * @returns {Note}
 */
export function pageNote(url, title, at) {
  // The list of pages and the event tell of the same visit, a few milliseconds apart.
  return {
    key: `page ${url} ${at.slice(0, 16)}`,
    kind: 'page',
    at,
    text: texts.notes.page(title || shortUrl(url)),
    url,
  };
}

/**
 * Return the notes of what happened before the inbox was opened, as far as the session tells of it.
 *
 * @param {Session} session
 * @returns {Note[]}
 */
export function sessionNotes({ csat, csatRequestedAt }) {
  /** @type {Note[]} */
  const notes = [];
  const add = (/** @type {Note['kind']} */ kind, /** @type {string} */ at, /** @type {string} */ text) =>
    notes.push({ key: noteKey(kind, at), kind, at, text });
  if (csatRequestedAt) add('asked', csatRequestedAt, texts.notes.asked);
  if (csat) add('rated', csat.submittedAt, texts.notes.rated(csat.score, csat.comment));
  return notes;
}

/**
 * @param {Frame} frame
 * @returns {Pick<Note, 'kind' | 'text'> | null}
 */
function eventText(frame) {
  switch (frame.type) {
    case 'visitor.identified':
      return {
        kind: 'identified',
        text: texts.notes.identified(nameOf({ identity: frame.identity, visitorId: frame.sessionId })),
      };
    case 'ai.toggled':
      return { kind: 'ai', text: frame.enabled ? texts.notes.aiOn : texts.notes.aiOff };
    case 'ai.takeover':
      return { kind: 'ai', text: texts.notes.takeover };
    case 'csat.requested':
      return { kind: 'asked', text: texts.notes.asked };
    case 'csat.submitted':
      return { kind: 'rated', text: texts.notes.rated(frame.score, frame.comment) };
    case 'event.received':
      return { kind: 'received', text: texts.notes.received(frame.name, shortData(frame.data)) };
    case 'event.sent':
      return { kind: 'sent', text: texts.notes.sent(frame.name, shortData(frame.data)) };
    default:
      return null;
  }
}

/** @param {unknown} data */
function shortData(data) {
  if (data === null || data === undefined) return '';
  const text = JSON.stringify(data);
  return text.length > LONGEST_DATA ? `${text.slice(0, LONGEST_DATA - 1)}…` : text;
}
