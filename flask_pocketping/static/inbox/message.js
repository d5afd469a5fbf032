/** One message: its bubble, its files, and its time. */

import { bridgeName, deliveryLines } from './bridges.js';
import { content } from './content.js';
import { el, fill } from './dom.js';
import { clockTime, fileSize, fullTime, preview, safeUrl, siteUrl } from './format.js';
import { icon } from './icons.js';
import { internalNote } from './internalNote.js';
import { marked } from './marks.js';
import { toolbar } from './messageTools.js';
import { sourceList } from './sources.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Message} Message */
/** @typedef {import('./types.js').Pending} Pending */
/** @typedef {import('./types.js').Attachment} Attachment */

/**
 * @typedef {object} MessageActions
 * @property {(message: Message) => void} reply
 * @property {(message: Message, content: string) => Promise<boolean>} edit
 * @property {() => void} edited the edit has ended, and changes that came meanwhile are to be shown
 * @property {(message: Message) => void} remove
 * @property {(message: Message, delivery: import('./types.js').Delivery) => void} sendAgain
 * @property {(pending: Pending) => void} retry
 * @property {(pending: Pending) => void} discard
 * @property {(id: string) => Message | undefined} find
 * @property {(message: Message) => string} authorOf
 * @property {(id: string) => void} show
 */

/**
 * What a line shows of what is around it.
 *
 * @typedef {object} Context
 * @property {boolean} first whether it begins a group of messages
 * @property {boolean} last whether it ends one
 * @property {string} visitor what to call the visitor
 * @property {string} author who wrote it, if not the visitor
 * @property {boolean} mayChange whether the operator may edit and delete it
 * @property {string} query what was searched for, '' if nothing
 * @property {readonly import('./types.js').Delivery[]} deliveries what became of it on each bridge
 * @property {readonly import('./types.js').AISource[]} sources what an answer of the AI is based on
 */

/** The width of a picture in a message, in CSS pixels. */
const WIDEST = 320;
/** The media types that are shown as pictures; everything else is a file to download. */
const PICTURES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'];

/**
 * @param {Message} message
 * @param {Context} context
 * @param {MessageActions} actions
 */
export function messageLine(message, context, actions) {
  const { first, last, visitor, author, query } = context;
  if (message.internal) return internalNote(message, context, actions);
  if (message.type === 'system') return systemLine(message, query);
  const theirs = message.type === 'visitor';
  const item = el('li', {
    class: `message ${theirs ? 'theirs' : 'ours'} ${message.type}`,
    'data-id': message.id,
    'data-first': first,
  });
  const bubble = el('div', { class: 'bubble' });
  if (message.deletedAt) fill(bubble, el('p', { class: 'gone' }, texts.deleted));
  else
    fill(
      bubble,
      quote(message.replyTo, visitor, actions),
      content(message.content, { asWritten: theirs, query }),
      files(message.attachments),
    );
  const head = el(
    'p',
    { class: first && !theirs ? 'author' : 'unseen', dir: 'auto' },
    message.type === 'ai' && icon('spark'),
    theirs ? visitor : author,
    message.sourceBridge && el('span', { class: 'via' }, texts.via(bridgeName(message.sourceBridge))),
    message.type === 'ai' && aiBadge(),
  );
  const line = el(
    'div',
    { class: 'bubble-line' },
    bubble,
    !message.deletedAt && toolbar(message, item, bubble, context, actions),
  );
  item.append(head, line, foot(message, last));
  const onBridges = !message.deletedAt && deliveryLines(context.deliveries);
  if (onBridges) item.append(onBridges);
  const sources = !message.deletedAt && sourceList(context.sources);
  if (sources) item.append(sources);
  // Touch screens have no hover: a tap on the message shows its tools.
  item.addEventListener('click', () => item.classList.toggle('picked'));
  return item;
}

/** What tells the messages of the AI from those of people. */
export const aiBadge = () => el('span', { class: 'ai-badge' }, texts.aiBadge);

/**
 * @param {Pending} pending
 * @param {Pick<Context, 'visitor'>} context
 * @param {MessageActions} actions
 */
export function pendingLine(pending, { visitor }, actions) {
  const bubble = el(
    'div',
    { class: 'bubble' },
    quote(pending.replyTo, visitor, actions),
    content(pending.content),
    files(pending.attachments),
  );
  const state = el(
    'p',
    { class: `foot state-${pending.state}` },
    icon(pending.state === 'failed' ? 'alert' : 'clock'),
    texts.states[pending.state],
  );
  if (pending.error) state.append(`: ${pending.error}`);
  const item = el(
    'li',
    { class: 'message ours operator pending', 'data-id': pending.key },
    el('div', { class: 'bubble-line' }, bubble),
    state,
  );
  if (pending.state === 'failed') {
    item.append(
      el(
        'div',
        { class: 'pending-actions' },
        el('button', { type: 'button', class: 'link', onClick: () => actions.retry(pending) }, texts.retry),
        el('button', { type: 'button', class: 'link', onClick: () => actions.discard(pending) }, texts.discard),
      ),
    );
  }
  return item;
}

/** @param {import('./types.js').Note} note */
export function noteLine(note) {
  const href = note.kind === 'page' ? safeUrl(note.url) : undefined;
  const text = href
    ? el('a', { href, target: '_blank', rel: 'noopener noreferrer', dir: 'auto' }, note.text)
    : el('span', { dir: 'auto' }, note.text);
  return el('li', { class: `note note-${note.kind}` }, text, el('time', { datetime: note.at }, clockTime(note.at)));
}

/**
 * @param {Message} message
 * @param {string} query
 */
function systemLine(message, query) {
  const announced = message.kind && texts.announced[message.kind];
  return el(
    'li',
    { class: 'note', 'data-id': message.id },
    el('span', { dir: 'auto' }, !announced && `${texts.visitorSees} `, ...marked(announced || message.content, query)),
    el('time', { datetime: message.createdAt }, clockTime(message.createdAt)),
  );
}

/**
 * @param {Message} message
 * @param {boolean} last of its group
 */
function foot(message, last) {
  const ours = message.type !== 'visitor';
  const shown = last || message.editedAt;
  const state = ours && !message.deletedAt && receipt(message);
  return el(
    'p',
    { class: shown ? 'foot' : 'foot unseen' },
    el('time', { datetime: message.createdAt, title: fullTime(message.createdAt) }, clockTime(message.createdAt)),
    message.editedAt && !message.deletedAt && el('span', {}, ` · ${texts.edited}`),
    state,
  );
}

/** @param {Message} message */
function receipt({ status, readAt, deliveredAt }) {
  const at = readAt ?? deliveredAt;
  const title = at ? `${texts.states[status]} ${fullTime(at)}` : texts.states[status];
  return el(
    'span',
    { class: `receipt receipt-${status}`, title },
    icon(status === 'sent' ? 'check' : 'checks'),
    el('span', { class: 'unseen' }, texts.states[status]),
  );
}

/**
 * @param {string | undefined} id
 * @param {string} visitor
 * @param {MessageActions} actions
 */
function quote(id, visitor, actions) {
  if (!id) return null;
  const message = actions.find(id);
  const author = message && (message.type === 'visitor' ? visitor : actions.authorOf(message));
  return el(
    'button',
    { type: 'button', class: 'quote', onClick: () => actions.show(id) },
    author && el('b', { dir: 'auto' }, author),
    el('span', { dir: 'auto' }, message ? preview(message) : texts.quoteUnknown),
  );
}

/** @param {Attachment[] | undefined} attachments */
function files(attachments) {
  if (!attachments?.length) return null;
  return el(
    'div',
    { class: 'files' },
    ...attachments.map((file) => (PICTURES.includes(file.mimeType) ? picture(file) : download(file))),
  );
}

/** @param {Attachment} file */
function picture(file) {
  const url = siteUrl(file.url);
  const shown = el('img', {
    src: siteUrl(file.thumbnailUrl) ?? url,
    alt: file.filename,
    loading: 'lazy',
    decoding: 'async',
  });
  // The room is reserved before the picture arrives, so that nothing jumps.
  if (file.width && file.height) {
    shown.style.width = `${Math.min(WIDEST, file.width)}px`;
    shown.style.aspectRatio = `${file.width} / ${file.height}`;
  }
  const link = el(
    'a',
    {
      class: 'picture',
      href: url,
      target: '_blank',
      rel: 'noopener noreferrer',
      'aria-label': texts.openImage(file.filename),
    },
    shown,
  );
  // The server may find out later that it is no picture.
  shown.addEventListener('error', () => link.replaceWith(download(file)));
  return link;
}

/** @param {Attachment} file */
function download(file) {
  return el(
    'a',
    { class: 'file', href: siteUrl(file.url), download: file.filename, target: '_blank', rel: 'noopener noreferrer' },
    icon('file'),
    el('span', { class: 'file-name', dir: 'auto' }, file.filename),
    el('span', { class: 'file-size' }, fileSize(file.size)),
  );
}
