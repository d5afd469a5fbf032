/** On a phone the chat covers the page, which rests meanwhile: it neither scrolls nor takes the focus. */

const small = matchMedia('(max-width:480px),(max-height:480px)');
const coarse = matchMedia('(pointer:coarse)');

/** Whether a keyboard would cover half of the screen: it comes only when a field is touched. */
export const isTouched = () => coarse.matches;

export class Phone {
  #covers = false;
  /** How many entries of the history are the chat's. */
  #entries = 0;
  /** What rests. @type {HTMLElement[]} */
  #page = [];
  #overflow = '';
  #chat;

  /** @param {import('./chat.js').Chat} chat */
  constructor(chat) {
    this.#chat = chat;
    const { ended: signal } = chat;
    small.addEventListener('change', () => chat.show(), { signal });
    // Going back closes the chat. The page is where it was, so its own scripts need not know.
    const back = (/** @type {Event} */ event) => {
      if (this.#entries) event.stopImmediatePropagation();
      this.#entries = 0;
      if (this.#covers) chat.close();
    };
    addEventListener('popstate', back, { signal, capture: true });
  }

  /** Cover or uncover the page. @param {HTMLElement} element @param {HTMLElement} panel */
  update(element, panel) {
    const covers = this.#chat.opened && small.matches;
    panel.ariaModal = `${covers}`;
    if (covers === this.#covers) return;
    this.#covers = covers;
    const { style } = document.documentElement;
    if (covers) {
      const others = /** @type {HTMLElement[]} */ ([...document.body.children]);
      this.#page = others.filter((other) => other !== element && !other.inert);
      this.#overflow = style.overflow;
      history.pushState({ ...history.state, pocketping: true }, '');
      this.#entries = 1;
    } else if (this.#entries && history.state?.pocketping) history.back();
    style.overflow = covers ? 'hidden' : this.#overflow;
    for (const other of this.#page) other.inert = covers;
  }
}
