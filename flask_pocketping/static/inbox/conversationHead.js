/** The head of a conversation: who the visitor is, what they view, and the buttons. */

import { el, fill, iconButton } from './dom.js';
import { nameOf, shortUrl } from './format.js';
import { icon } from './icons.js';
import { avatar } from './sessionRows.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Session} Session */

export class ConversationHead {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.element = el('header', { class: 'conversation-head' });
  }

  /** @param {string} sessionId */
  paint(sessionId) {
    const session = this.app.store.sessions.get(sessionId);
    const back = iconButton('back', texts.backToList, () => this.app.router.up(), { class: 'icon-button back' });
    if (!session) return fill(this.element, back);
    const name = nameOf(session);
    const closed = session.status === 'closed';
    const focused =
      document.activeElement instanceof HTMLElement && this.element.contains(document.activeElement)
        ? document.activeElement.dataset.name
        : '';
    fill(
      this.element,
      back,
      avatar(session.visitorId, name, session.visitorOnline),
      el(
        'div',
        { class: 'head-text' },
        el('div', { class: 'head-name' }, el('h2', { dir: 'auto', tabindex: -1 }, name), verified(session)),
        el('p', { class: 'head-line', dir: 'auto' }, ...headLine(session)),
      ),
      el(
        'button',
        {
          type: 'button',
          class: 'button',
          'data-name': 'close',
          'aria-label': closed ? texts.reopenConversation : texts.closeConversation,
          onClick: () => void this.app.actions.toggleClosed(),
        },
        icon(closed ? 'open' : 'check'),
        el('span', { class: 'button-text' }, closed ? texts.reopen : texts.close),
      ),
      iconButton('panel', texts.showDetails, () => this.app.toggleDetails(), {
        'data-name': 'details',
        'aria-expanded': String(this.app.detailsShown()),
        class: 'icon-button details-toggle',
      }),
    );
    if (focused) this.#button(focused)?.focus();
  }

  /**
   * @param {string} name
   * @returns {HTMLElement | null}
   */
  #button(name) {
    return this.element.querySelector(`[data-name="${name}"]`);
  }
}

/** @param {Session} session */
function verified(session) {
  return (
    session.identity?.verified &&
    el(
      'span',
      { class: 'verified', title: texts.verified },
      icon('verified'),
      el('span', { class: 'unseen' }, texts.verified),
    )
  );
}

/**
 * @param {Session} session
 * @returns {import('./dom.js').Child[]}
 */
function headLine(session) {
  const { pageUrl, pageTitle } = session.metadata;
  const state = el(
    'span',
    { class: session.visitorOnline ? 'is-online' : '' },
    session.visitorOnline ? texts.online : texts.offline,
  );
  if (!pageUrl) return [state];
  return [state, ' · ', el('span', { dir: 'auto' }, String(pageTitle || shortUrl(String(pageUrl))))];
}
