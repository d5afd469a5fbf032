/** What becomes of the page: it is hidden, shown, left, taken back from the browser's cache, or moves on. */

/** Milliseconds in which an address settles. */
const SETTLES = 1000;
/** Milliseconds after which a hidden page may have lost its connection without a sign. */
const ASLEEP = 30000;

/**
 * Watch the page until the signal aborts.
 *
 * @param {object} handlers
 * @param {() => void} handlers.onOnline
 * @param {() => void} handlers.onOffline
 * @param {() => void} handlers.onLeave
 * @param {() => void} handlers.onReturn the browser kept the page and shows it again
 * @param {(slept: boolean) => void} handlers.onVisibility slept: it was hidden for long
 * @param {(moved: boolean) => void} handlers.onMove the address may have changed; moved: it has
 * @param {import('./timers.js').Timers} timers
 * @param {AbortSignal} signal
 */
export function watchPage({ onOnline, onOffline, onLeave, onReturn, onVisibility, onMove }, timers, signal) {
  let hiddenAt = 0;
  let address = location.href;
  /** @param {EventTarget} target @param {string} name @param {(event: any) => void} handler */
  const on = (target, name, handler) => target.addEventListener(name, handler, { signal });
  on(window, 'online', onOnline);
  on(window, 'offline', onOffline);
  on(window, 'pagehide', onLeave);
  on(window, 'pageshow', ({ persisted }) => persisted && onReturn());
  on(document, 'visibilitychange', () => {
    const slept = !document.hidden && Date.now() - hiddenAt > ASLEEP;
    if (document.hidden) hiddenAt = Date.now();
    onVisibility(slept);
  });
  const settle = () => {
    const moved = location.href !== address;
    address = location.href;
    onMove(moved);
  };
  const moving = () => timers.later('moved', settle, SETTLES);
  const { navigation } = /** @type {any} */ (window);
  if (navigation) on(navigation, 'currententrychange', moving);
  else on(window, 'popstate', moving);
}
