/** Who the visitor is: what the browser has stored, and whom the page's app has signed in. */

import { request } from './request.js';

export class Visitor {
  /** @type {WidgetStored} */
  stored;
  /** What is stored is a customer's, but who is signed in is not known yet: nothing of it is shown until then. */
  unsure;
  #storage;
  #config;
  #endpoint;

  /** @param {WidgetStorage} storage @param {WidgetConfig} config @param {string} endpoint */
  constructor(storage, config, endpoint) {
    this.#storage = storage;
    this.#config = config;
    this.#endpoint = endpoint;
    this.stored = storage.get('session') ?? {};
    this.unsure = Boolean(this.stored.user);
  }

  /** Read again what is stored: another tab may have changed it. */
  reload() {
    this.stored = this.#storage.get('session') ?? {};
  }

  /** @param {object} change */
  keep(change) {
    this.stored = { ...this.stored, ...change };
    this.#storage.set('session', this.stored);
  }

  forget() {
    for (const key of this.#storage.keys('')) this.#storage.remove(key);
    this.stored = {};
  }

  /**
   * Find out who is signed in: the page says so, or its app knows by cookies, which pages elsewhere can't send.
   * @returns {Promise<{identityToken?: string | null, user?: string | null}>}
   */
  async ask() {
    const { identity } = this.#config;
    if (identity) return { identityToken: identity };
    if (new URL(this.#endpoint).origin !== location.origin) return {};
    return request('GET', `${this.#endpoint}/identity`).catch((error) => {
      // An app that can't tell has nobody signed in. One that can't be reached may have.
      if (error.passes && error.status !== 500) throw error;
      return {};
    });
  }
}
