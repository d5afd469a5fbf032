/** Builds the lines of a conversation: days, messages in groups, notes, and pending messages. */

import { dayKey } from './format.js';
import { shownMessages } from './store/messages.js';

/** @typedef {import('./types.js').Message} Message */
/** @typedef {import('./types.js').Note} Note */
/** @typedef {import('./types.js').Pending} Pending */
/** @typedef {import('./types.js').Session} Session */

/**
 * @typedef {{key: string, kind: 'day', at: string}
 *   | {key: string, kind: 'message', message: Message, first: boolean, last: boolean}
 *   | {key: string, kind: 'note', note: Note}
 *   | {key: string, kind: 'pending', pending: Pending, first: boolean}} Line
 */

/** Milliseconds after which the next message of an author begins a new group. */
const GROUP = 5 * 60_000;

/**
 * @param {import('./store/messages.js').Conversation} conversation
 * @param {Pending[]} pending
 * @returns {Line[]}
 */
export function timeline(conversation, pending) {
  const { hasMore, gapAfter } = conversation;
  const messages = shownMessages(conversation);
  // Notes from before the first loaded message, or from after an older part, would stand in the wrong place.
  const from = hasMore ? (messages[0]?.createdAt ?? '') : '';
  const until = gapAfter === null ? '~' : (messages[messages.length - 1]?.createdAt ?? '');
  const notes = withoutRepeats(
    [...conversation.notes.values()].filter(({ at }) => at >= from && at <= until).sort(byTime),
  );
  // A message that came as an event, and still waits for its answer, is shown once.
  const arrived = new Set(pending.map((item) => item.arrivedAs).filter(Boolean));
  /** @type {Line[]} */
  const lines = [];
  let day = '';
  let at = 0;
  const openDay = (/** @type {string} */ time) => {
    const key = dayKey(time);
    if (key === day) return;
    day = key;
    lines.push({ key: `day ${key}`, kind: 'day', at: time });
  };
  const tellNotes = (/** @type {string} */ until) => {
    for (let note = notes[at]; note && note.at <= until; note = notes[(at += 1)]) {
      openDay(note.at);
      lines.push({ key: `note ${note.key}`, kind: 'note', note });
    }
  };
  for (const message of messages) {
    if (arrived.has(message.id)) continue;
    tellNotes(message.createdAt);
    openDay(message.createdAt);
    lines.push({ key: message.id, kind: 'message', message, first: true, last: true });
  }
  tellNotes('~');
  for (const item of gapAfter === null ? pending : []) {
    openDay(item.createdAt);
    lines.push({ key: item.key, kind: 'pending', pending: item, first: true });
  }
  return group(lines);
}

/**
 * Mark where a group of one author's messages begins and ends.
 *
 * @param {Line[]} lines
 */
function group(lines) {
  lines.forEach((line, index) => {
    const before = lines[index - 1];
    const together = before !== undefined && sameGroup(before, line);
    if (together && 'first' in line) line.first = false;
    if (together && before.kind === 'message') before.last = false;
  });
  return lines;
}

/**
 * @param {Line} a
 * @param {Line} b
 */
function sameGroup(a, b) {
  if (a.kind === 'pending' && b.kind === 'pending') return true;
  if (a.kind !== 'message' || b.kind !== 'message') return false;
  const [one, other] = [a.message, b.message];
  const near = Date.parse(other.createdAt) - Date.parse(one.createdAt) < GROUP;
  const same = one.operatorId === other.operatorId && one.operatorName === other.operatorName;
  const sameBridge = one.sourceBridge === other.sourceBridge;
  return near && same && sameBridge && one.type === other.type && one.type !== 'system';
}

/**
 * Drop the repeated views of the same page in a row.
 *
 * @param {Note[]} notes
 */
function withoutRepeats(notes) {
  let page = '';
  return notes.filter((note) => {
    if (note.kind !== 'page') return true;
    const again = note.url === page;
    page = note.url ?? '';
    return !again;
  });
}

/**
 * @param {Note} a
 * @param {Note} b
 */
function byTime(a, b) {
  return a.at < b.at ? -1 : a.at > b.at ? 1 : 0;
}
