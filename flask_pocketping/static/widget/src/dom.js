/** How every element of the widget is made. Text goes in as text nodes only: nothing here reads markup. */

const icons = {
  chat: 'M4 5h16v11h-9l-5 4v-4H4z',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M5 12L4 4l17 8-17 8 1-8h7',
  attach: 'M8 12l6-6a3 3 0 0 1 4 4l-8 8a5 5 0 0 1-7-7l7-7',
  reply: 'M9 7l-5 5 5 5M4 12h9a6 6 0 0 1 6 6',
  edit: 'M5 19v-4L16 4l4 4L9 19z',
  remove: 'M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13',
  star: 'M12 4l2 5 6 1-4 4 1 5-5-2-5 2 1-5-4-4 6-1z',
};

/** @param {string} name */
export function icon(name) {
  const [picture, path] = ['svg', 'path'].map((tag) => document.createElementNS('http://www.w3.org/2000/svg', tag));
  picture.setAttribute('viewBox', '0 0 24 24');
  picture.ariaHidden = 'true';
  path.setAttribute('d', icons[/** @type {'chat'} */ (name)]);
  picture.append(path);
  return picture;
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} [className]
 * @param {Record<string, unknown>} [given] properties; `role` and the like are properties too
 * @param {(Node | string)[]} children
 */
export function h(name, className = '', given = {}, ...children) {
  const element = Object.assign(document.createElement(name), given, { className });
  element.append(...children);
  return element;
}

/** A button that shows an icon. @param {string} name @param {string} label @param {() => void} [onclick] */
export function iconButton(name, label, onclick) {
  return h(
    'button',
    name,
    { type: onclick ? 'button' : 'submit', ariaLabel: label, title: label, onclick },
    icon(name),
  );
}

/** @param {string} label @param {() => void} onclick */
export function textButton(label, onclick) {
  return h('button', '', { type: 'button', onclick: () => onclick() }, label);
}

/** @param {string} href @param {Node | string} content */
export function link(href, content) {
  return h('a', '', { href, target: '_blank', rel: 'noopener noreferrer' }, content);
}

/** @param {HTMLElement} place @param {string} [text] */
export function say(place, text = '') {
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
}
