/** The pane with the conversations: search, filters, and the windowed list. */

import { announce, el, fill, iconButton, inNextFrame, setAttribute } from './dom.js';
import { firstSteps } from './firstSteps.js';
import { icon } from './icons.js';
import { SessionRows } from './sessionRows.js';
import { texts } from './texts.js';
import { WindowedList } from './window.js';

/** @typedef {import('./types.js').Session} Session */
/** @typedef {import('./types.js').Filter} Filter */

const ROW_HEIGHT = 76;
const SEARCH_AFTER = 250;
/** @type {Filter[]} */
const FILTERS = ['open', 'unanswered', 'closed', 'all'];

export class ListPane {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.timer = 0;
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
    this.projects = el('select', {
      class: 'projects',
      'aria-label': texts.project,
      title: texts.project,
      hidden: true,
      onChange: () => location.assign(app.router.project(this.projects.value)),
    });
    this.filters = el(
      'div',
      { class: 'filters', role: 'group', 'aria-label': texts.filterLabel },
      ...FILTERS.map((filter) => this.filterButton(filter)),
    );
    const rows = new SessionRows(app);
    /** @type {WindowedList<Session>} */
    this.rows = new WindowedList({
      label: texts.conversations,
      height: ROW_HEIGHT,
      make: (session) => rows.make(session),
      update: (element, session) => rows.update(element, session),
      onNearEnd: () => void this.app.loader.loadMore(),
    });
    this.state = el('div', { class: 'list-state' });
    this.element = el(
      'section',
      { class: 'pane list-pane', 'aria-labelledby': 'list-title' },
      el(
        'header',
        { class: 'list-head' },
        el('div', { class: 'title-line' }, el('h2', { id: 'list-title' }, texts.conversations), this.projects),
        el('div', { class: 'search', role: 'search' }, icon('search'), this.search, this.clear),
        this.filters,
      ),
      this.state,
      this.rows.element,
    );
    this.render = inNextFrame(() => this.paint());
    for (const topic of ['list', 'counts', 'operators', 'typing']) app.store.on(topic, this.render);
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
    const { listing } = this.app.store.sessions;
    for (const button of this.filters.querySelectorAll('button')) {
      const filter = /** @type {Filter} */ (button.dataset.filter);
      button.setAttribute('aria-pressed', String(filter === listing.filter));
      this.paintCount(button, listing.query ? undefined : this.countOf(filter));
    }
    this.paintState(listing);
    this.rows.element.hidden = listing.rows.length === 0;
    this.rows.set(listing.rows);
  }

  /**
   * Return how many conversations a filter has, if that is known.
   *
   * @param {Filter} filter
   */
  countOf(filter) {
    const { counts } = this.app.store;
    return counts ? (filter === 'all' ? counts.open + counts.closed : counts[filter]) : undefined;
  }

  /**
   * @param {HTMLButtonElement} button of a filter
   * @param {number | undefined} count
   */
  paintCount(button, count) {
    const shown = button.querySelector('.tab-count');
    const text = count === undefined ? '' : count > 99 ? '99+' : String(count);
    setAttribute(button, 'title', count === undefined ? null : texts.conversationCount(count));
    if (shown && shown.textContent !== text) shown.textContent = text;
  }

  /** @param {import('./store/sessions.js').Listing} listing */
  paintState(listing) {
    const { isEmpty } = this.app.store;
    const shown = listing.rows.length
      ? 'rows'
      : `${listing.state} ${listing.filter} ${Boolean(listing.query)} ${isEmpty}`;
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
    const { isEmpty } = this.app.store;
    const [title, text] = query ? texts.searchEmpty : texts.listEmpty[isEmpty && filter === 'open' ? 'all' : filter];
    // On a phone the list is all that is shown; elsewhere they stand beside it.
    if (isEmpty && !query)
      return el(
        'div',
        {},
        el('div', { class: 'blank' }, icon('chats'), el('h2', {}, title), el('p', {}, text)),
        el('div', { class: 'phone-only' }, firstSteps(this.app)),
      );
    return el('div', { class: 'blank' }, icon(query ? 'search' : 'chats'), el('h2', {}, title), el('p', {}, text));
  }

  /** @param {Filter} filter */
  filterButton(filter) {
    const onClick = () => void this.load(filter);
    // Its title tells screen readers how many there are.
    const count = el('span', { class: 'tab-count', 'aria-hidden': 'true' });
    return el('button', { type: 'button', 'data-filter': filter, onClick }, texts.filters[filter], count);
  }

  /**
   * Let the operator go to another project, if there are several.
   *
   * @param {import('./api.js').Project} project the one that is shown
   * @param {import('./api.js').Project[]} projects
   */
  paintProjects(project, projects) {
    this.projects.hidden = projects.length < 2;
    fill(this.projects, ...projects.map(({ id, name }) => el('option', { value: id }, name)));
    this.projects.value = project.id;
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
}
