/** What the operator does to conversations and messages, and what is shown if it fails. */

import { announce } from './dom.js';
import { errorText } from './errors.js';
import { Refused, SignedOut } from './api.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Message} Message */
/** @typedef {import('./types.js').AIDraft} AIDraft */
/** @typedef {import('./types.js').AIAction} AIAction */

export class Actions {
  /**
   * @param {object} options
   * @param {import('./store/store.js').Store} options.store
   * @param {import('./api.js').Api} options.api
   * @param {() => string} options.openSession the id of the session that is shown
   * @param {() => void} options.onSignedOut
   * @param {(text: string) => void} options.onFailure shows the text to the operator
   * @param {() => void} options.onDecided what the AI waits for may have changed
   */
  constructor({ store, api, openSession, onSignedOut, onFailure, onDecided }) {
    this.store = store;
    this.api = api;
    this.openSession = openSession;
    this.onSignedOut = onSignedOut;
    this.onFailure = onFailure;
    this.onDecided = onDecided;
  }

  /**
   * Do something, and tell the operator if it fails.
   *
   * @template T
   * @param {() => Promise<T>} run
   * @returns {Promise<T | undefined>} undefined: it failed
   */
  async attempt(run) {
    try {
      return await run();
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  /**
   * Handle an error.
   *
   * @param {unknown} error
   * @param {{quiet?: boolean}} [options] quiet: only a sign-out is told
   */
  failed(error, { quiet = false } = {}) {
    if (error instanceof SignedOut) this.onSignedOut();
    else if (!quiet) this.onFailure(errorText(error));
  }

  /** Close the session that is shown, or reopen it. */
  async toggleClosed() {
    const session = this.store.sessions.get(this.openSession());
    if (!session) return;
    const closes = session.status === 'active';
    const answer = await this.#postToSession(closes ? 'close' : 'reopen');
    if (answer) announce(texts.announced[closes ? 'session.closed' : 'session.reopened']);
  }

  /** @param {boolean} enabled */
  setAi(enabled) {
    return this.#postToSession('ai', { enabled });
  }

  askRating() {
    return this.#postToSession('csat');
  }

  /**
   * @param {Message} message
   * @param {string} content
   * @returns {Promise<boolean>} whether it was saved
   */
  async editMessage(message, content) {
    const answer = await this.attempt(() => this.api.call('PATCH', messagePath(message), { body: { content } }));
    if (answer) this.store.applyChange(answer.message);
    return Boolean(answer);
  }

  /** @param {Message} message */
  async deleteMessage(message) {
    const answer = await this.attempt(() => this.api.call('DELETE', messagePath(message)));
    if (answer) this.store.applyChange(answer.message);
  }

  /**
   * Post a message to a bridge again.
   *
   * @param {Message} message
   * @param {string} bridge
   */
  async sendAgain(message, bridge) {
    const path = `${messagePath(message)}/deliveries/${encodeURIComponent(bridge)}/retry`;
    const { store } = this;
    const since = store.moment;
    const answer = await this.attempt(() => this.api.call('POST', path));
    if (answer) store.deliveries.take(message.sessionId, message.id, answer.deliveries, since);
  }

  // The AI

  /**
   * Send a draft of the AI.
   *
   * @param {AIDraft} draft
   * @param {string} [content] the changed text
   * @returns {Promise<boolean>} whether it was sent
   */
  async sendDraft(draft, content) {
    const path = `${aiPath(draft.sessionId)}/drafts/${encodeURIComponent(draft.id)}/send`;
    const body = content === undefined ? {} : { content };
    const answer = await this.#decide(texts.ai.draftGone, () => this.api.call('POST', path, { body }));
    if (!answer) return false;
    this.store.takeSent(answer.message);
    this.store.ai.settleDraft(draft, 'sent');
    return true;
  }

  /**
   * Drop a draft of the AI.
   *
   * @param {AIDraft} draft
   * @returns {Promise<boolean>} whether it was dropped
   */
  async dropDraft(draft) {
    const path = `${aiPath(draft.sessionId)}/drafts/${encodeURIComponent(draft.id)}`;
    const answer = await this.#decide(texts.ai.draftGone, () => this.api.call('DELETE', path));
    if (answer === undefined) return false;
    this.store.ai.settleDraft(draft, 'dropped');
    return true;
  }

  /**
   * Allow or refuse a call of a tool.
   *
   * @param {AIAction} action
   * @param {boolean} accept
   */
  async decide(action, accept) {
    const path = `${aiPath(action.sessionId)}/actions/${encodeURIComponent(action.id)}`;
    const answer = await this.#decide(texts.ai.actionGone, () => this.api.call('POST', path, { body: { accept } }));
    if (answer) this.store.ai.takeAction(answer.action);
  }

  /**
   * Decide on something of the AI that somebody else may have decided on.
   *
   * @template T
   * @param {string} gone what to say then
   * @param {() => Promise<T>} run
   * @returns {Promise<T | undefined>} undefined: it failed
   */
  async #decide(gone, run) {
    try {
      return await run();
    } catch (error) {
      const decided = error instanceof Refused && [404, 409].includes(error.status) && error.code !== 'SESSION_CLOSED';
      if (decided) this.onFailure(gone);
      else this.failed(error);
      this.onDecided();
      return undefined;
    }
  }

  /**
   * @param {string} action the last part of the path
   * @param {object} [body]
   */
  async #postToSession(action, body) {
    const path = `/sessions/${encodeURIComponent(this.openSession())}/${action}`;
    const since = this.store.moment;
    const answer = await this.attempt(() => this.api.call('POST', path, body && { body }));
    if (answer?.session) this.store.takeSession(answer.session, since);
    return answer;
  }
}

/** @param {string} sessionId */
const aiPath = (sessionId) => `/sessions/${encodeURIComponent(sessionId)}/ai`;

/** @param {Message} message */
function messagePath({ sessionId, id }) {
  return `/sessions/${encodeURIComponent(sessionId)}/messages/${encodeURIComponent(id)}`;
}
