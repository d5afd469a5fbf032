/** Keeps the operator signed in: it renews the short-lived token before its end. */

import { SignedOut } from './api.js';

/** The share of the token's life after which it is renewed. */
const RENEW_AT = 0.5;
/** Milliseconds after which a renewal that failed is tried again. */
const RETRY_AFTER = 10_000;

export class SignIn {
  #timer = 0;
  #api;
  #onToken;
  #onRenewed;
  #onSignedOut;

  /**
   * @param {object} options
   * @param {import('./api.js').Api} options.api
   * @param {(token: import('./api.js').Token) => void} options.onToken there is a token, the first one or another
   * @param {(token: string) => void} options.onRenewed
   * @param {() => void} options.onSignedOut
   */
  constructor({ api, onToken, onRenewed, onSignedOut }) {
    this.#api = api;
    this.#onToken = onToken;
    this.#onRenewed = onRenewed;
    this.#onSignedOut = onSignedOut;
  }

  /**
   * Return a token that is valid.
   *
   * @param {boolean} fresh ask for a new one
   * @returns {Promise<string>}
   */
  async token(fresh) {
    const token = await this.#api.signIn({ fresh });
    this.#onToken(token);
    const left = token.goodUntil - Date.now();
    this.#renewIn(Math.max(1000, left * RENEW_AT));
    return token.token;
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /** @param {number} wait milliseconds */
  #renewIn(wait) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#renew(), wait);
  }

  async #renew() {
    try {
      this.#onRenewed(await this.token(true));
    } catch (error) {
      if (error instanceof SignedOut) this.#onSignedOut();
      else this.#renewIn(RETRY_AFTER);
    }
  }
}
