/** The frame around the panes: the navigation, the bar above, the toast, and the dialog of a sign-out. */

import { announcements, el, fill, setAttribute } from './dom.js';
import { initials, tint } from './format.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

/** Milliseconds for which a toast is shown. */
const TOAST_SHOWN = 6000;

export class Frame {
  /**
   * @param {object} options
   * @param {import('./router.js').Router} options.router
   * @param {HTMLElement} options.list
   * @param {HTMLElement[]} options.middle the panes of which one is shown
   * @param {HTMLElement} options.details
   * @param {() => void} options.onSavedReplies
   * @param {() => void} options.onPreferences
   */
  constructor({ router, list, middle, details, onSavedReplies, onPreferences }) {
    this.router = router;
    this.bar = el('div', { class: 'bar', role: 'status' });
    this.toast = el('div', { class: 'toast', role: 'alert', hidden: true });
    this.me = el(
      'button',
      {
        type: 'button',
        class: 'me',
        'aria-label': texts.preferences,
        title: texts.preferences,
        onClick: onPreferences,
      },
      icon('gear'),
    );
    this.rail = el(
      'nav',
      { class: 'rail', 'aria-label': texts.mainNavigation },
      el('button', { type: 'button', class: 'skip', onClick: () => this.middle.focus() }, texts.skipToConversation),
      this.#link('chats', texts.inbox, router.root),
      this.#link('stats', texts.statistics, router.stats),
      el(
        'button',
        { type: 'button', class: 'rail-item', onClick: onSavedReplies },
        icon('bolt'),
        el('span', {}, texts.savedReplies),
      ),
      this.me,
    );
    this.middle = el('div', { class: 'middle', tabindex: -1 }, ...middle);
    const title = el('h1', { class: 'unseen' }, texts.inbox);
    const main = el('main', { class: 'main' }, title, list, this.middle, details);
    this.root = el('div', { class: 'app' }, this.rail, main);
    document.body.append(this.bar, this.root, this.toast, announcements());
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {string} href
   */
  #link(name, label, href) {
    const onClick = (/** @type {MouseEvent} */ event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.router.go(href);
    };
    return el('a', { href, class: 'rail-item', 'data-name': name, onClick }, icon(name), el('span', {}, label));
  }

  /**
   * Mark where the operator is.
   *
   * @param {import('./router.js').Route['screen']} screen
   */
  setCurrent(screen) {
    for (const item of this.rail.querySelectorAll('a')) {
      const current = (item.dataset.name === 'stats') === (screen === 'stats');
      setAttribute(item, 'aria-current', current ? 'page' : null);
    }
  }

  /**
   * Show the operator, whether they are available, and how many others are online.
   *
   * @param {import('./store/store.js').Store} store
   * @param {boolean} available
   */
  paintMe({ me, operators }, available) {
    if (!me) return;
    const others = operators.filter(({ id }) => id !== me.id).length;
    const state = available ? texts.available : texts.away;
    this.me.setAttribute('aria-label', `${me.name}, ${state}. ${texts.preferences}`);
    this.me.title = `${me.name}, ${state}`;
    this.me.dataset.available = String(available);
    fill(
      this.me,
      el(
        'span',
        { class: 'avatar', 'data-tint': tint(me.id), 'aria-hidden': 'true' },
        initials(me.name),
        el('span', { class: available ? 'dot' : 'dot is-away' }),
      ),
      others > 0 && el('span', { class: 'others', title: texts.operatorsOnline(operators.length) }, `+${others}`),
      el('span', { class: 'me-name' }, texts.you),
    );
  }

  /**
   * Show in the bar that the connection is lost.
   *
   * @param {string} text '' hides the bar
   */
  setBar(text) {
    if (this.bar.textContent !== text) this.bar.textContent = text;
  }

  /** @param {string} text */
  showToast(text) {
    this.toast.hidden = false;
    this.toast.textContent = text;
    setTimeout(() => (this.toast.hidden = true), TOAST_SHOWN);
  }

  /** Some phones lay their keyboard over the page; the composer has to stay above it. @param {boolean} narrow */
  fitKeyboard(narrow) {
    const height = visualViewport?.height ?? innerHeight;
    const covered = narrow && innerHeight - height > 80;
    document.body.style.height = covered ? `${height}px` : '';
    if (covered) scrollTo(0, 0);
  }

  /** Cover the page until the operator has signed in again. */
  showSignedOut() {
    const again = () => location.reload();
    this.#cover(texts.signedOutTitle, texts.signedOutText, [texts.signedOutButton, again]);
  }

  /**
   * Cover the page: the operator may not open the inbox of this project, or no longer.
   *
   * @param {boolean} named whether the page's address names the project
   */
  showNoAccess(named) {
    const go = () => location.assign(this.router.inbox);
    this.#cover(texts.noAccessTitle, texts.noAccessText, named && [texts.noAccessButton, go]);
  }

  /**
   * @param {string} title
   * @param {string} text
   * @param {false | [string, () => void]} action
   */
  #cover(title, text, action) {
    if (document.querySelector('.signed-out')) return;
    const button = action && el('button', { type: 'button', class: 'button primary', onClick: action[1] }, action[0]);
    const shown = el(
      'dialog',
      { class: 'dialog signed-out', 'aria-labelledby': 'signed-out' },
      el(
        'div',
        { class: 'dialog-body' },
        el('h2', { id: 'signed-out', tabindex: -1 }, title),
        el('p', {}, text),
        button && el('div', { class: 'dialog-actions' }, button),
      ),
    );
    shown.addEventListener('cancel', (event) => event.preventDefault());
    document.body.append(shown);
    shown.showModal();
  }
}
