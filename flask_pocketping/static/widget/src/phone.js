/** On a phone the chat covers the page, which rests meanwhile: it neither scrolls nor takes the focus. */

const small = matchMedia('(max-width:480px),(max-height:480px)');
const coarse = matchMedia('(pointer:coarse)');

/** Whether a keyboard would cover half of the screen: it comes only when a field is touched. */
export const isTouched = () => coarse.matches;

/**
 * Make the function that covers the page while the chat is open on a phone, and uncovers it afterwards.
 * @param {import('./chat.js').Chat} chat
 */
export function makeCover(chat) {
  let covered = false;
  /** Whether the last entry of the history is the chat's. */
  let entered = false;
  /** What rests. @type {HTMLElement[]} */
  let page = [];
  let overflow = '';
  // Going back closes the chat. The page is where it was, so its own scripts need not know.
  const back = (/** @type {Event} */ event) => {
    if (entered) event.stopImmediatePropagation();
    entered = false;
    if (covered) chat.close();
  };
  addEventListener('popstate', back, { signal: chat.ended, capture: true });

  return (/** @type {HTMLElement} */ element, /** @type {HTMLElement} */ panel) => {
    const covers = chat.opened && small.matches;
    panel.ariaModal = `${covers}`;
    if (covers === covered) return;
    covered = covers;
    const { style } = document.documentElement;
    if (covers) {
      const others = /** @type {HTMLElement[]} */ ([...document.body.children]);
      page = others.filter((other) => other !== element && !other.inert);
      overflow = style.overflow;
      history.pushState({ ...history.state, pocketping: (entered = true) }, '');
    } else if (entered && history.state?.pocketping) history.back();
    style.overflow = covers ? 'hidden' : overflow;
    for (const other of page) other.inert = covers;
  };
}
