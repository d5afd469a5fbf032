/** The pane with the conversations: search, filters, and the windowed list. */

import { announce, el, fill, iconButton, inNextFrame, setAttribute } from './dom.js';
import { authorOf, initials, nameOf, preview, shortTime, tint } from './format.js';
import { icon } from './icons.js';
import { draftOf } from './preferences.js';
import { texts } from './texts.js';
import { WindowedList } from './window.js';

/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').Filter} Filter */

const ROW_HEIGHT = 76;
const SEARCH_AFTER = 250;
/** @type {Filter[]} */
const FILTERS = ['open', 'unanswered', 'closed', 'all'];

/**
 * A round avatar with initials, and a dot if the visitor is online.
 *
 * @param {string} id
 * @param {string} name
 * @param {boolean} online
 */
export function avatar(id, name, online) {
  const dot = online && el('span', { class: 'dot' });
  return el('span', { class: 'avatar', 'data-tint': tint(id), 'aria-hidden': 'true' }, initials(name), dot);
}

export class ListPane {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.timer = 0;
    this.count = el('span', { class: 'count' });
    this.search = el('input', {
      type: 'search',
      class: 'search-field',
      placeholder: texts.searchHint,
      'aria-label': texts.searchHint,
      autocomplete: 'off',
      enterkeyhint: 'search',
      maxlength: 200,
      onInput: () => this.searchSoon(),
      onKeydown: (event) => this.searchKey(event),
    });
    this.clear = iconButton('cross', texts.clearSearch, () => this.endSearch(), { hidden: true });
    this.filters = el(
      'div',
      { class: 'filters', role: 'group', 'aria-label': texts.filterLabel },
      ...FILTERS.map((filter) => this.filterButton(filter)),
    );
    /** @type {WindowedList<Session>} */
    this.rows = new WindowedList({
      label: texts.conversations,
      height: ROW_HEIGHT,
      make: (session) => this.makeRow(session),
      update: (element, session) => this.updateRow(element, session),
      onNearEnd: () => void this.app.loader.loadMore(),
    });
    this.state = el('div', { class: 'list-state' });
    this.element = el(
      'section',
      { class: 'pane list-pane', 'aria-labelledby': 'list-title' },
      el(
        'header',
        { class: 'list-head' },
        el('div', { class: 'title-line' }, el('h2', { id: 'list-title' }, texts.conversations), this.count),
        el('div', { class: 'search', role: 'search' }, icon('search'), this.search, this.clear),
        this.filters,
      ),
      this.state,
      this.rows.element,
    );
    this.render = inNextFrame(() => this.paint());
    for (const topic of ['list', 'waiting', 'typing']) app.store.on(topic, this.render);
    setInterval(this.render, 30_000);
  }

  /**
   * Load a list from its beginning.
   *
   * @param {Filter} [filter]
   * @param {string} [query]
   */
  async load(filter = this.app.store.sessions.listing.filter, query = this.app.store.sessions.listing.query) {
    this.rows.element.scrollTop = 0;
    await this.app.loader.loadList(filter, query);
  }

  paint() {
    const { listing, waiting } = this.app.store.sessions;
    this.count.textContent = waiting ? String(waiting) : '';
    setAttribute(this.count, 'aria-label', waiting ? `${waiting} ${texts.waiting}` : null);
    setAttribute(this.count, 'role', waiting ? 'img' : null);
    for (const button of this.filters.querySelectorAll('button')) {
      button.setAttribute('aria-pressed', String(button.dataset.filter === listing.filter));
    }
    this.paintState(listing);
    this.rows.element.hidden = listing.rows.length === 0;
    this.rows.set(listing.rows);
  }

  /** @param {import('./store/sessions.js').Listing} listing */
  paintState(listing) {
    const shown = listing.rows.length ? 'rows' : `${listing.state} ${listing.filter} ${Boolean(listing.query)}`;
    if (this.state.dataset.shown === shown) return;
    this.state.dataset.shown = shown;
    this.state.hidden = listing.rows.length > 0;
    if (listing.rows.length) fill(this.state);
    else if (listing.state === 'failed') fill(this.state, this.failed());
    else if (listing.state === 'ready') fill(this.state, this.empty(listing));
    else fill(this.state, this.skeleton());
  }

  skeleton() {
    const line = () =>
      el('div', { class: 'skeleton-row', 'aria-hidden': 'true' }, el('i', {}), el('b', {}), el('b', {}));
    return el(
      'div',
      { class: 'skeleton' },
      el('p', { class: 'unseen' }, texts.loading),
      ...Array.from({ length: 7 }, line),
    );
  }

  failed() {
    const again = el('button', { type: 'button', class: 'button', onClick: () => void this.load() }, texts.tryAgain);
    return el('div', { class: 'blank', role: 'alert' }, icon('alert'), el('p', {}, texts.listFailed), again);
  }

  /** @param {import('./store/sessions.js').Listing} listing */
  empty({ filter, query }) {
    const [title, text] = query ? texts.searchEmpty : texts.listEmpty[filter];
    return el('div', { class: 'blank' }, icon(query ? 'search' : 'chats'), el('h2', {}, title), el('p', {}, text));
  }

  /** @param {Filter} filter */
  filterButton(filter) {
    const onClick = () => void this.load(filter);
    return el('button', { type: 'button', 'data-filter': filter, onClick }, texts.filters[filter]);
  }

  // Search

  searchSoon() {
    clearTimeout(this.timer);
    this.clear.hidden = !this.search.value;
    this.timer = window.setTimeout(() => void this.searchNow(), SEARCH_AFTER);
  }

  async searchNow() {
    clearTimeout(this.timer);
    const query = this.search.value.trim();
    const { listing } = this.app.store.sessions;
    if (query === listing.query) return;
    // A search covers all conversations, open or closed.
    const filter = query && !listing.query ? 'all' : listing.query && !query ? 'open' : listing.filter;
    await this.load(filter, query);
    if (query && this.app.store.sessions.listing.query === query && !this.app.store.sessions.listing.rows.length)
      announce(texts.searchEmpty[0] ?? '');
  }

  endSearch() {
    this.search.value = '';
    this.clear.hidden = true;
    void this.searchNow();
    this.search.focus();
  }

  /** @param {KeyboardEvent} event */
  searchKey(event) {
    if (event.key === 'Enter') void this.searchNow();
    if (event.key === 'ArrowDown') this.move(1);
    if (event.key === 'Escape' && this.search.value) this.endSearch();
    else if (event.key === 'Escape') this.search.blur();
    else if (event.key !== 'ArrowDown') return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Rows

  /**
   * Move the focus by some rows, from the row that has it, or from the open conversation.
   *
   * @param {number} by
   */
  move(by) {
    const rows = this.rows.rows;
    const focused = document.activeElement?.closest('li[data-id]')?.getAttribute('data-id');
    const here = focused ?? this.app.route.sessionId;
    const at = rows.findIndex((row) => row.id === here);
    const from = at === -1 ? (by > 0 ? -1 : 0) : at;
    this.rows.focus(Math.min(rows.length - 1, Math.max(0, from + by)));
  }

  /** @param {Session} session */
  makeRow(session) {
    const onClick = (/** @type {MouseEvent} */ event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.app.open(session.id);
    };
    return el(
      'li',
      { 'data-id': session.id },
      el('a', { class: 'row', href: this.app.router.conversation(session.id), onClick }),
    );
  }

  /**
   * @param {HTMLLIElement} element
   * @param {Session} session
   */
  updateRow(element, session) {
    const types = this.app.store.typing.isVisitorTyping(session.id);
    const open = session.id === this.app.route.sessionId;
    const draft = open ? '' : draftOf(session.id);
    const time = shortTime(session.lastActivity);
    const last = session.lastMessage;
    const said = last && `${last.id} ${last.content} ${last.deletedAt}`;
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
      session.identity,
    ]);
    if (element.dataset.state === state) return;
    element.dataset.state = state;
    const link = /** @type {HTMLAnchorElement} */ (element.firstElementChild);
    link.className = ['row', session.unread && 'is-unread', session.status === 'closed' && 'is-closed']
      .filter(Boolean)
      .join(' ');
    setAttribute(link, 'aria-current', open ? 'true' : null);
    const name = nameOf(session);
    fill(
      link,
      avatar(session.visitorId, name, session.visitorOnline),
      el('span', { class: 'row-name', dir: 'auto' }, name),
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
    if (types) return el('em', { class: 'types' }, texts.typing);
    if (draft)
      return el('span', {}, el('em', { class: 'draft' }, texts.draft), ' ', draft.replace(/\s+/g, ' ').slice(0, 100));
    const message = session.lastMessage;
    if (!message) return '';
    if (message.type === 'visitor') return preview(message);
    const mine = message.type === 'operator' && message.operatorName === this.app.store.me?.name;
    const author = mine ? texts.you : message.type === 'system' ? '' : authorOf(message);
    return author ? `${author}: ${preview(message)}` : preview(message);
  }

  /** @param {Session} session */
  badge(session) {
    const words = [
      session.visitorOnline && texts.online,
      session.status === 'closed' && texts.closed,
      session.unanswered && session.status === 'active' && texts.waiting,
    ];
    const said = [session.unread > 0 && texts.unread(session.unread), ...words].filter(Boolean).join(', ');
    const count =
      session.unread > 0 &&
      el('span', { class: 'badge', 'aria-hidden': 'true' }, session.unread > 99 ? '99+' : String(session.unread));
    const waits =
      !count &&
      session.unanswered &&
      session.status === 'active' &&
      el('span', { class: 'waits', title: texts.waiting, 'aria-hidden': 'true' });
    const closed = session.status === 'closed' && el('span', { class: 'tag', 'aria-hidden': 'true' }, texts.closed);
    return el(
      'span',
      { class: 'row-end' },
      count || waits || closed,
      said && el('span', { class: 'unseen' }, `, ${said}`),
    );
  }
}
