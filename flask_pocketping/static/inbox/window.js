/** A virtual list: only the visible rows are in the page, so that ten thousand rows cost as much as twenty. */

import { el, inNextFrame } from './dom.js';

/** The rows that are kept above and below the visible ones. */
const MARGIN = 6;

/**
 * @template {{id: string}} Row
 */
export class WindowedList {
  /**
   * @param {object} options
   * @param {string} options.label
   * @param {number} options.height of a row in CSS pixels
   * @param {(row: Row) => HTMLLIElement} options.make
   * @param {(element: HTMLLIElement, row: Row) => void} options.update
   * @param {() => void} options.onNearEnd the last rows are nearly seen
   */
  constructor({ label, height, make, update, onNearEnd }) {
    this.height = height;
    this.make = make;
    this.update = update;
    this.onNearEnd = onNearEnd;
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Map<string, HTMLLIElement>} */
    this.shown = new Map();
    this.list = el('ul', { class: 'rows', role: 'list', 'aria-label': label });
    this.element = el('div', { class: 'scroller rows-scroller' }, this.list);
    this.render = inNextFrame(() => this.paint());
    this.element.addEventListener('scroll', this.render, { passive: true });
    new ResizeObserver(this.render).observe(this.element);
  }

  /** @param {Row[]} rows */
  set(rows) {
    this.rows = rows;
    this.render();
  }

  paint() {
    const { rows, height } = this;
    const { scrollTop, clientHeight } = this.element;
    this.list.style.height = `${rows.length * height}px`;
    const from = Math.max(0, Math.floor(scrollTop / height) - MARGIN);
    const to = Math.min(rows.length, Math.ceil((scrollTop + clientHeight) / height) + MARGIN);
    /** @type {Set<string>} */
    const wanted = new Set();
    /** @type {HTMLLIElement | null} */
    let before = null;
    for (let index = from; index < to; index += 1) {
      const row = /** @type {Row} */ (rows[index]);
      wanted.add(row.id);
      const element = this.place(row, index);
      // The Tab key and screen readers follow the order in the page.
      /** @type {Element | null} */
      const next = before ? before.nextElementSibling : this.list.firstElementChild;
      if (next !== element) this.move(element, next);
      before = element;
    }
    this.drop(wanted);
    if (to >= rows.length - MARGIN) this.onNearEnd();
  }

  /**
   * @param {Row} row
   * @param {number} index
   */
  place(row, index) {
    let element = this.shown.get(row.id);
    if (!element) {
      element = this.make(row);
      this.shown.set(row.id, element);
    }
    element.style.transform = `translateY(${index * this.height}px)`;
    element.setAttribute('aria-posinset', String(index + 1));
    element.setAttribute('aria-setsize', String(this.rows.length));
    this.update(element, row);
    return element;
  }

  /**
   * Moving an element takes the focus from it, so it is given back.
   *
   * @param {HTMLLIElement} element
   * @param {Element | null} next
   */
  move(element, next) {
    const focused = element.contains(document.activeElement)
      ? /** @type {HTMLElement} */ (document.activeElement)
      : null;
    this.list.insertBefore(element, next);
    focused?.focus({ preventScroll: true });
  }

  /** @param {Set<string>} wanted */
  drop(wanted) {
    for (const [id, element] of this.shown) {
      // The row with the focus stays, or the keyboard would lose its place.
      if (wanted.has(id) || (element.contains(document.activeElement) && this.rows.some((row) => row.id === id)))
        continue;
      element.remove();
      this.shown.delete(id);
    }
  }

  /**
   * Bring a row into view and give it the focus.
   *
   * @param {number} index
   */
  focus(index) {
    const row = this.rows[index];
    if (!row) return;
    const top = index * this.height;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) this.element.scrollTop = top + this.height - clientHeight;
    this.paint();
    this.shown.get(row.id)?.querySelector('a')?.focus({ preventScroll: true });
  }
}
