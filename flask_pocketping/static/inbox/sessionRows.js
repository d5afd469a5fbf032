/** The rows of the list: who wrote, what was said last or found by a search, and whether somebody waits. */

import { el, fill, setAttribute } from './dom.js';
import { initials, nameOf, plainLine, preview, shortTime, tint } from './format.js';
import { fromHit, hitParts } from './hits.js';
import { marked } from './marks.js';
import { icon } from './icons.js';
import { draftOf } from './preferences.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').Session} Session */

/**
 * A round avatar with initials, and a dot if the visitor is online.
 *
 * @param {string} id
 * @param {string} name
 * @param {boolean} online
 */
export function avatar(id, name, online) {
  const dot = online && el('span', { class: 'dot', title: texts.online });
  return el('span', { class: 'avatar', 'data-tint': tint(id), 'aria-hidden': 'true' }, initials(name), dot);
}

export class SessionRows {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
  }

  /** @param {Session} session */
  make(session) {
    const onClick = (/** @type {MouseEvent} */ event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.app.open(session.id, this.matchOf(session)?.messageId);
    };
    return el('li', { 'data-id': session.id }, el('a', { class: 'row', onClick }));
  }

  /**
   * Return the message of a session that matches the search.
   *
   * @param {Session} session
   */
  matchOf(session) {
    return this.app.store.sessions.listing.matches.get(session.id);
  }

  /**
   * @param {HTMLLIElement} element
   * @param {Session} session
   */
  update(element, session) {
    const types = this.app.store.typing.isVisitorTyping(session.id);
    const open = session.id === this.app.route.sessionId;
    const draft = open ? '' : draftOf(session.id);
    const time = shortTime(session.lastActivity);
    const last = session.lastMessage;
    const said = last && `${last.id} ${last.content} ${last.deletedAt} ${this.authorOf(last)}`;
    const { query } = this.app.store.sessions.listing;
    const match = this.matchOf(session);
    const state = JSON.stringify([
      types,
      open,
      draft,
      time,
      said,
      session.unread,
      session.unanswered,
      session.status,
      session.visitorOnline,
      this.isWithAi(session),
      session.identity,
      query,
      match,
    ]);
    if (element.dataset.state === state) return;
    element.dataset.state = state;
    const link = /** @type {HTMLAnchorElement} */ (element.firstElementChild);
    link.className = ['row', session.unread && 'is-unread', session.status === 'closed' && 'is-closed']
      .filter(Boolean)
      .join(' ');
    link.href = this.app.router.conversation(session.id, match?.messageId);
    setAttribute(link, 'aria-current', open ? 'true' : null);
    const name = nameOf(session);
    fill(
      link,
      avatar(session.visitorId, name, session.visitorOnline),
      el('span', { class: 'row-name', dir: 'auto' }, ...marked(name, query)),
      el('time', { class: 'row-time', datetime: session.lastActivity }, time),
      el('span', { class: 'row-text', dir: 'auto' }, this.rowText(session, types, draft)),
      this.badge(session),
    );
  }

  /**
   * @param {Session} session
   * @param {boolean} types
   * @param {string} draft
   */
  rowText(session, types, draft) {
    const match = this.matchOf(session);
    if (types && !match) return el('em', { class: 'types' }, texts.typing);
    if (draft && !match)
      return el('span', {}, el('em', { class: 'draft' }, texts.draft), ' ', draft.replace(/\s+/g, ' ').slice(0, 100));
    const { query } = this.app.store.sessions.listing;
    const { identity } = session;
    const has = (/** @type {string | undefined} */ text) => hitParts(text ?? '', query).some(({ hit }) => hit);
    if (!match && has(identity?.email) && !has(identity?.name))
      return el('span', {}, ...marked(identity?.email ?? '', query));
    const message = match ?? session.lastMessage;
    if (!message) return '';
    const said = 'excerpt' in message ? plainLine(message.type, message.excerpt) : preview(message);
    const words = marked(fromHit(said, query), query);
    const author = this.authorOf(message);
    return el('span', {}, author && `${author}: `, ...words);
  }

  /**
   * Return who wrote a message, '' where it goes without saying.
   *
   * @param {Pick<import('./types.js').Message, 'type' | 'operatorId' | 'operatorName'>} message
   */
  authorOf(message) {
    return ['visitor', 'system'].includes(message.type) ? '' : this.app.store.authorOf(message);
  }

  /** @param {Session} session */
  isWithAi(session) {
    return this.app.store.capabilities.ai && session.aiActive;
  }

  /** @param {Session} session */
  badge(session) {
    const ai = this.isWithAi(session);
    const words = [
      ai && texts.ai.answers,
      session.visitorOnline && texts.online,
      session.status === 'closed' && texts.closed,
      session.unanswered && session.status === 'active' && texts.waiting,
    ];
    const said = [session.unread > 0 && texts.unread(session.unread), ...words].filter(Boolean).join(', ');
    const count =
      session.unread > 0 &&
      el(
        'span',
        { class: 'badge', title: texts.unread(session.unread), 'aria-hidden': 'true' },
        session.unread > 99 ? '99+' : String(session.unread),
      );
    const waits =
      !count &&
      session.unanswered &&
      session.status === 'active' &&
      el('span', { class: 'waits', title: texts.waitingHint, 'aria-hidden': 'true' });
    const closed = session.status === 'closed' && el('span', { class: 'tag', 'aria-hidden': 'true' }, texts.closed);
    return el(
      'span',
      { class: 'row-end' },
      ai && el('span', { class: 'row-ai', title: texts.ai.answers, 'aria-hidden': 'true' }, icon('spark')),
      count || waits || closed,
      said && el('span', { class: 'unseen' }, `, ${said}`),
    );
  }
}
