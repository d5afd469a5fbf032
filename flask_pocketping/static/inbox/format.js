/** How names, times, sizes and links are written. Pure functions; views call them. */

import { toPlain } from '../shared/markdown.js';
import { language, texts } from './texts.js';

/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').Message} Message */

/**
 * How dates and times are written, in the widget too: as the browser has them, if it speaks the language of the page.
 */
export const locale = localeFor(language);

/** @type {Intl.DateTimeFormatOptions} */
const TIME = { timeStyle: 'short' };
const hourMinute = new Intl.DateTimeFormat(locale, TIME);
const weekday = new Intl.DateTimeFormat(locale, { weekday: 'short' });
const dayMonth = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
const dayMonthYear = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });
const longDay = new Intl.DateTimeFormat(locale, { dateStyle: 'long' });
const full = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
const DAY = 86_400_000;

/**
 * What to call a visitor.
 *
 * @param {Pick<Session, 'identity' | 'visitorId'>} session
 */
export function nameOf(session) {
  const identity = session.identity;
  return (
    identity?.name ||
    identity?.email ||
    identity?.customerId ||
    texts.visitor(session.visitorId.slice(-4).toUpperCase())
  );
}

/**
 * One or two letters for a picture that is not there.
 *
 * @param {string} name
 */
export function initials(name) {
  const words = name
    .trim()
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = words.map((word) => [...word.replace(/^[^\p{L}\p{N}]+/u, '')][0] ?? '');
  const first = letters[0] ?? '?';
  return (letters.length > 1 ? first + letters[letters.length - 1] : first).toUpperCase();
}

/**
 * One of eight tints, always the same for the same id.
 *
 * @param {string} id
 */
export function tint(id) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % 8;
}

/** @param {string} iso */
export const clockTime = (iso) => hourMinute.format(new Date(iso));

/** @param {string} iso */
export const fullTime = (iso) => full.format(new Date(iso));

/**
 * What time it is now in a time zone.
 *
 * @param {string} timeZone
 */
export function localTime(timeZone) {
  try {
    const time = new Intl.DateTimeFormat(locale, { ...TIME, timeZone }).format(new Date());
    return `${time} (${timeZone.replace(/_/g, ' ')})`;
  } catch {
    return timeZone;
  }
}

/**
 * How long ago, as short as a list needs it.
 *
 * @param {string} iso
 * @param {Date} [now]
 */
export function shortTime(iso, now = new Date()) {
  const date = new Date(iso);
  const seconds = (now.getTime() - date.getTime()) / 1000;
  if (seconds < 60) return texts.now;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  const days = daysBetween(date, now);
  if (days === 0) return hourMinute.format(date);
  if (days < 7) return weekday.format(date);
  return (date.getFullYear() === now.getFullYear() ? dayMonth : dayMonthYear).format(date);
}

/**
 * The heading of a day.
 *
 * @param {string} iso
 * @param {Date} [now]
 */
export function dayLabel(iso, now = new Date()) {
  const date = new Date(iso);
  const days = daysBetween(date, now);
  if (days === 0) return texts.today;
  if (days === 1) return texts.yesterday;
  return longDay.format(date);
}

/**
 * The day of a time where the reader is, as a key.
 *
 * @param {string} iso
 */
export function dayKey(iso) {
  const date = new Date(iso);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/**
 * A day of statistics, which is a UTC one.
 *
 * @param {string} date YYYY-MM-DD
 */
export function statsDay(date) {
  return new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(
    new Date(`${date}T00:00:00Z`),
  );
}

/** @param {number} bytes */
export function fileSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/**
 * A limit in megabytes, as the widget writes it: that of 10 × 1024 × 1024 bytes is 10 MB.
 *
 * @param {number} bytes
 */
export function binarySize(bytes) {
  const unit = { style: /** @type {const} */ ('unit'), unit: 'megabyte', maximumSignificantDigits: 2 };
  return new Intl.NumberFormat(locale, unit).format(bytes / 2 ** 20);
}

/**
 * A span of time in at most two units.
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });

/** @param {number} number */
export const wholeNumber = (number) => whole.format(number);

/** @param {number} share 0 to 1 */
export const percent = (share) => `${Math.round(share * 100)}%`;

/**
 * The top of the scale: the next round number.
 *
 * @param {number} most
 */
export function scaleTop(most) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  for (const factor of [1, 2, 4, 5, 10]) if (most <= factor * unit && (factor * unit) % 2 === 0) return factor * unit;
  return Math.max(2, 10 * unit);
}

/**
 * One line that stands for a message.
 *
 * @param {Message} message
 */
export function preview(message) {
  if (message.deletedAt) return texts.deleted;
  if (message.content) return plainLine(message.type, message.content).slice(0, 200);
  const files = message.attachments ?? [];
  const [only] = files;
  return files.length === 1 && only ? only.filename : texts.files(files.length);
}

/**
 * A message's text in one line: what operators and the AI write is without its marks.
 *
 * @param {import('./types.js').MessageType} type
 * @param {string} text
 */
export function plainLine(type, text) {
  return (type === 'operator' || type === 'ai' ? toPlain(text) : text).replace(/\s+/g, ' ');
}

const LINK = /https?:\/\/[^\s<>"'`]+/gi;

/**
 * Cut a text into plain parts and addresses.
 *
 * @param {string} text
 * @returns {{text: string, href?: string}[]}
 */
export function linkParts(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    const address = trimAddress(found[0]);
    const href = safeUrl(address);
    if (!href) continue;
    if (found.index > at) parts.push({ text: text.slice(at, found.index) });
    parts.push({ text: address, href });
    at = found.index + address.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at) });
  return parts;
}

/**
 * An address that may become a link: of the web, and nothing that runs.
 *
 * @param {unknown} address
 * @returns {string | undefined}
 */
export function safeUrl(address) {
  if (typeof address !== 'string') return undefined;
  try {
    const url = new URL(address);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/**
 * An address that the server gave: one of the web, or a path of this site.
 *
 * @param {unknown} address
 * @param {string} [base] where this site is
 * @returns {string | undefined}
 */
export function siteUrl(address, base = location.origin) {
  if (typeof address !== 'string' || !address.startsWith('/')) return safeUrl(address);
  try {
    const url = new URL(address, base);
    // Browsers read //, /\\ and the like as another host.
    return url.origin === base ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/**
 * An address that names a page to a person.
 *
 * @param {string} address
 */
export function shortUrl(address) {
  try {
    const url = new URL(address);
    return url.pathname === '/' && !url.search ? url.host : decodeURI(url.pathname + url.search);
  } catch {
    return address;
  }
}

/**
 * Punctuation behind an address is the sentence's; a closing bracket too, where the address opened none.
 *
 * @param {string} address
 */
function trimAddress(address) {
  let found = address.replace(/[.,:;!?*]+$/, '');
  while (found.endsWith(')') && found.split(')').length > found.split('(').length)
    found = found.slice(0, -1).replace(/[.,:;!?*]+$/, '');
  return found;
}

/**
 * @param {Date} date
 * @param {Date} now
 */
function daysBetween(date, now) {
  const start = (/** @type {Date} */ day) => Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
  return Math.round((start(now) - start(date)) / DAY);
}

/**
 * @param {string} spoken the language of the page
 * @returns {string} a locale
 */
function localeFor(spoken) {
  const base = (/** @type {string} */ tag) => tag.split('-')[0]?.toLowerCase();
  const own = globalThis.navigator?.languages?.find((tag) => base(tag) === base(spoken));
  try {
    return Intl.getCanonicalLocales(own ?? spoken)[0] ?? spoken;
  } catch {
    return spoken;
  }
}
