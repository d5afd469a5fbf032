/** The team's saved replies, and how a slash in a reply finds them. */

import { SAVED_REPLIES } from './api.js';

/** @typedef {import('./types.js').SavedReply} SavedReply */

const SHOWN = 8;

export class SavedReplies {
  /** @type {Promise<SavedReply[]> | null} */
  #loaded = null;
  #api;

  /** @param {import('./api.js').Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * Return all of them; they are asked for once.
   *
   * @param {{fresh?: boolean}} [options] fresh: ask again
   * @returns {Promise<SavedReply[]>}
   */
  list({ fresh = false } = {}) {
    if (fresh || !this.#loaded) {
      const asked = this.#load();
      this.#loaded = asked;
      asked.catch(() => this.#loaded === asked && (this.#loaded = null));
    }
    return this.#loaded ?? Promise.resolve([]);
  }

  /** @returns {Promise<SavedReply[]>} */
  async #load() {
    /** @type {SavedReply[]} */
    const found = [];
    let cursor;
    do {
      const page = await this.#api.call('GET', SAVED_REPLIES, { query: { cursor } });
      found.push(.../** @type {SavedReply[]} */ (page.savedReplies));
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    return found;
  }

  /**
   * Create a reply, or change one.
   *
   * @param {SavedReply | null} reply the one to change
   * @param {Pick<SavedReply, 'shortcut' | 'content'>} body
   */
  save(reply, body) {
    return reply ? this.#api.call('PATCH', pathOf(reply), { body }) : this.#api.call('POST', SAVED_REPLIES, { body });
  }

  /** @param {SavedReply} reply */
  delete(reply) {
    return this.#api.call('DELETE', pathOf(reply));
  }
}

/** @param {SavedReply} reply */
function pathOf({ id }) {
  return `${SAVED_REPLIES}/${encodeURIComponent(id)}`;
}

/**
 * Return the replies that match the word behind a slash, the best first.
 *
 * @param {SavedReply[]} replies
 * @param {string} word
 */
export function matchingReplies(replies, word) {
  const wanted = word.toLowerCase();
  const rank = (/** @type {SavedReply} */ { shortcut, content }) => {
    const name = shortcut.toLowerCase();
    return name.startsWith(wanted) ? 0 : name.includes(wanted) ? 1 : content.toLowerCase().includes(wanted) ? 2 : 3;
  };
  return replies
    .filter((reply) => rank(reply) < 3)
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, SHOWN);
}

/**
 * Return the word behind a slash that the cursor stands in, if there is one.
 *
 * @param {string} text
 * @param {number} cursor
 */
export function slashWord(text, cursor) {
  return /(?:^|\s)\/([\p{L}\p{N}_-]*)$/u.exec(text.slice(0, cursor))?.[1];
}
