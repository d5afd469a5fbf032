/**
 * The script that a page includes, with all the others in it: it defines window.PocketPing.
 * Calls made before the chat has begun wait for it.
 */

// Much alike stands together in the bundle: gzip makes it smaller.
import './languages.js';
import './look.js';

import { start } from './chat.js';

// The script's tag is known only while the script runs for the first time.
const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
if (!('PocketPing' in window)) offer();

function offer() {
  /** @typedef {(...details: any[]) => void} Handler */
  /** @typedef {import('./chat.js').Chat} Chat */

  /** @type {Map<string, Set<Handler>>} */
  const handlers = new Map();
  /** @type {(chat: Promise<Chat>) => void} */
  let begin;
  /** @type {Promise<Chat>} */
  let chat;
  let started = false;
  /** The functions that remove the handlers of the configuration. @type {(() => void)[]} */
  let offs = [];

  function forget() {
    started = false;
    chat = new Promise((resolve) => (begin = resolve));
  }

  /** @param {string} name @param {Handler} handler */
  function on(name, handler) {
    handlers.set(name, (handlers.get(name) ?? new Set()).add(handler));
    return () => off(name, handler);
  }

  /** @param {string} name @param {Handler} handler */
  function off(name, handler) {
    handlers.get(name)?.delete(handler);
  }

  /**
   * Call the handlers of an event. One that throws does not keep the others from running.
   * @param {string} name
   * @param {any[]} details
   */
  function emit(name, ...details) {
    for (const handler of handlers.get(name) ?? []) queueMicrotask(() => handler(...details));
  }

  /** @param {WidgetConfig} config */
  function init(config) {
    if (started) return chat;
    started = true;
    offs = Object.entries(config).flatMap(([name, handler]) =>
      typeof handler === 'function' ? on(name.slice(2).toLowerCase(), handler) : [],
    );
    begin(start(config, emit));
    return chat;
  }

  async function destroy() {
    if (!started) return;
    const ended = chat;
    offs.forEach((off) => off());
    forget();
    (await ended).destroy();
  }

  forget();
  /** @type {any} */
  const api = {
    init,
    destroy,
    on,
    onEvent: (/** @type {string} */ name, /** @type {Handler} */ handler) => on(`event:${name}`, handler),
    offEvent: (/** @type {string} */ name, /** @type {Handler} */ handler) => off(`event:${name}`, handler),
  };
  for (const name of ['open', 'close', 'toggle', 'sendMessage', 'identify', 'reset', 'trigger']) {
    api[name] = async (/** @type {any[]} */ ...details) => /** @type {any} */ (await chat)[name](...details);
  }
  /** @type {any} */ (window).PocketPing = api;

  if (script?.dataset.endpoint) {
    /** @type {any} */
    const config = { ...script.dataset };
    for (const name in config) if (/^(true|false|{.*)$/.test(config[name])) config[name] = JSON.parse(config[name]);
    init(config);
  }
}
