/** A call of a tool with effects above the composer: it waits for a yes, and then says what came of it. */

import { announce, el, fill, iconButton } from './dom.js';
import { icon } from './icons.js';
import { texts } from './texts.js';

/** @typedef {import('./types.js').AIAction} AIAction */

/** So many characters may need scrolling, which the keyboard must reach. */
const LONG = 150;

export class RequestCard {
  /**
   * @param {import('./app.js').App} app
   * @param {string} sessionId
   */
  constructor(app, sessionId) {
    this.app = app;
    this.sessionId = sessionId;
    /** The call that is shown. It stays with its result, until the operator puts it away. */
    this.id = '';
    /** What is shown, to leave it alone while nothing changes. */
    this.shown = '';
    this.element = el('section', { class: 'ai-card', 'aria-label': texts.ai.request, hidden: true });
  }

  /** Show the call that waits, or what came of the last one that was shown. */
  paint() {
    const { store } = this.app;
    const open = store.ai.openAction(this.sessionId);
    if (open && open.id !== this.id) {
      this.id = open.id;
      announce(texts.ai.requestCame);
    }
    const action = store.ai.of(this.sessionId).actions.find(({ id }) => id === this.id);
    const shown = action ? JSON.stringify(action) : '';
    if (shown === this.shown) return;
    this.shown = shown;
    const focused = this.element.contains(document.activeElement);
    this.element.hidden = !action;
    fill(this.element, ...(action ? this.#parts(action) : []));
    if (focused) this.#focus();
  }

  /**
   * @param {AIAction} action
   * @returns {import('./dom.js').Child[]}
   */
  #parts(action) {
    const waits = action.state === 'waiting';
    const title = !waits ? stateOf(action) : action.asks === 'visitor' ? texts.ai.asksVisitor : texts.ai.asksYou;
    return [
      el(
        'p',
        { class: 'ai-card-head', role: 'status' },
        icon('bolt'),
        el('b', {}, title),
        !waits && this.#away(action),
      ),
      el('p', { class: 'ai-question', dir: 'auto' }, action.question),
      waits && callOf(action),
      resultOf(action),
      waits &&
        el(
          'div',
          { class: 'ai-card-buttons' },
          el(
            'button',
            { type: 'button', class: 'button primary', onClick: () => void this.decide(action, true) },
            texts.ai.allow,
          ),
          el(
            'button',
            { type: 'button', class: 'button', onClick: () => void this.decide(action, false) },
            texts.ai.refuse,
          ),
        ),
    ];
  }

  /** @param {AIAction} action */
  #away({ state }) {
    if (state === 'accepted' || state === 'running') return null;
    return iconButton('cross', texts.dismiss, () => {
      this.id = '';
      this.paint();
    });
  }

  /**
   * @param {AIAction} action
   * @param {boolean} accept
   */
  async decide(action, accept) {
    for (const one of this.element.querySelectorAll('button')) one.disabled = true;
    await this.app.actions.decide(action, accept);
    for (const one of this.element.querySelectorAll('button')) one.disabled = false;
    if (document.activeElement === document.body) this.#focus();
  }

  #focus() {
    const first = this.element.querySelector('button');
    if (first && !this.element.hidden) first.focus();
    else this.app.conversation.composer?.focus();
  }
}

/** @param {AIAction} action */
export const stateOf = ({ state }) => texts.ai.actionStates[state] ?? state;

/**
 * The name of the tool and its arguments.
 *
 * @param {AIAction} action
 */
function callOf({ tool, arguments: given }) {
  const rows = Object.entries(given ?? {});
  return el(
    'dl',
    { class: 'facts ai-call', tabindex: JSON.stringify(given).length > LONG && 0 },
    fact(texts.ai.tool, el('code', {}, tool)),
    ...rows.map(([name, value]) => fact(name.replace(/_/g, ' '), readable(value))),
  );
}

/**
 * @param {string} label
 * @param {import('./dom.js').Child} value
 */
function fact(label, value) {
  return el('div', {}, el('dt', { dir: 'auto' }, label), el('dd', { dir: 'auto' }, value));
}

/**
 * What the tool returned.
 *
 * @param {AIAction} action
 */
export function resultOf({ result }) {
  return result ? el('p', { class: 'ai-result', dir: 'auto', tabindex: result.length > LONG && 0 }, result) : null;
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function readable(value) {
  if (value === true) return texts.yes;
  if (value === false) return texts.no;
  if (value === null || value === '') return texts.none;
  if (Array.isArray(value)) return value.map(readable).join(', ') || texts.none;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
