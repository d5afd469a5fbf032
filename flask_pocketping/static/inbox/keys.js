/** Keyboard shortcuts: single keys, which do nothing while the operator writes. */

import { openShortcuts } from './dialogs.js';

/** @param {import('./app.js').App} app */
export function listenToKeys(app) {
  const { list, conversation, router } = app;
  const composer = () => (app.route.screen === 'conversation' ? conversation.composer : null);
  /** @type {Record<string, () => void>} */
  const actions = {
    j: () => list.move(1),
    k: () => list.move(-1),
    ArrowDown: () => list.move(1),
    ArrowUp: () => list.move(-1),
    r: () => composer()?.focus(),
    '/': () => composer()?.begin('/'),
    e: () => void app.actions.toggleClosed(),
    d: () => app.toggleDetails(),
    '?': () => openShortcuts(),
    Escape: () => app.route.screen !== 'list' && router.up(),
  };
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      if (app.route.screen !== 'list' && matchMedia('(max-width: 760px)').matches) router.go(router.root);
      list.search.focus();
      list.search.select();
      return;
    }
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || writes(event.target))
      return;
    // The arrows scroll the messages where those have the focus.
    if (
      event.key.startsWith('Arrow') &&
      event.target instanceof Element &&
      event.target.closest('.lines-scroller, .details-scroller, .stats-scroller')
    )
      return;
    event.preventDefault();
    action();
  });
}

/** @param {EventTarget | null} target */
function writes(target) {
  if (!(target instanceof HTMLElement)) return false;
  const dialog = target.closest('dialog');
  return dialog ? dialog.open : target.isContentEditable || target.matches('input, textarea, select');
}
