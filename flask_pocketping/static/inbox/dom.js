/**
 * How every element of the inbox is made. Text goes in as text nodes only, so nothing that a visitor sends can be read
 * as markup.
 */

import { icon } from './icons.js';

/** @typedef {Node | string | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Props */

/**
 * Make an element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props} [props] attributes; `true` is an empty one, `false`, `null` and `undefined` are none; a function
 *   listens to the event that its name names behind `on`.
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2).toLowerCase(), value);
    else setAttribute(made, name, value);
  }
  add(made, children);
  return made;
}

/**
 * Put other children into an element.
 *
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  add(parent, children);
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

/**
 * A button that shows an icon; its label is what a screen reader says and a pointer sees as a hint.
 *
 * @param {string} name
 * @param {string} label
 * @param {(event: MouseEvent) => void} [onClick]
 * @param {Props} [props]
 */
export function iconButton(name, label, onClick, props = {}) {
  const more = onClick ? { onClick } : {};
  return el(
    'button',
    { type: 'button', class: 'icon-button', 'aria-label': label, title: label, ...more, ...props },
    icon(name),
  );
}

/**
 * A function that runs once in the next frame, however often it is asked before.
 *
 * @param {() => void} run
 */
export function inNextFrame(run) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      run();
    });
  };
}

const announcer = el('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' });

/** Return the element of the announcements; the frame puts it into the page. */
export function announcements() {
  return announcer;
}

/**
 * Have a screen reader say something, without moving the focus.
 *
 * @param {string} text
 */
export function announce(text) {
  const line = el('p', {}, text);
  announcer.append(line);
  setTimeout(() => line.remove(), 5000);
}

/**
 * @param {Element} parent
 * @param {Child[]} children
 */
function add(parent, children) {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) parent.append(child);
  }
}
