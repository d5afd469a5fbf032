/** The preferences of the operator: availability, notifications, sound and theme; and who else is online. */

import { dialog, openShortcuts } from './dialogs.js';
import { el, fill } from './dom.js';
import { initials, tint } from './format.js';
import { icon } from './icons.js';
import { applyTheme, theme } from './preferences.js';
import { texts } from './texts.js';

/** @typedef {import('./preferences.js').Theme} Theme */

/** @param {import('./app.js').App} app */
export function openPreferences(app) {
  const team = el('ul', { class: 'team', role: 'list' });
  const paintTeam = () => fill(team, ...teamLines(app));
  const stop = app.store.on('operators', paintTeam);
  paintTeam();
  const shown = dialog(texts.preferences, [
    el(
      'div',
      { class: 'stack' },
      toggle(texts.available, app.available ? texts.availableHint : texts.awayHint, app.available, (on) => {
        app.setAvailable(on);
        return { on, hint: on ? texts.availableHint : texts.awayHint };
      }),
      notifications(app),
      toggle(texts.sound, texts.soundHint, app.notifier.soundOn, (on) => {
        app.notifier.setSound(on);
        return { on };
      }),
    ),
    el('h3', {}, texts.theme),
    themes(),
    el('h3', {}, texts.teamOnline),
    team,
    el(
      'div',
      { class: 'dialog-actions' },
      el(
        'button',
        {
          type: 'button',
          class: 'button',
          onClick: () => {
            shown.close();
            openShortcuts();
          },
        },
        icon('keys'),
        texts.shortcuts,
      ),
    ),
  ]);
  shown.addEventListener('close', stop);
}

/**
 * @param {string} label
 * @param {string} hint
 * @param {boolean} on
 * @param {(on: boolean) => {on: boolean, hint?: string} | Promise<{on: boolean, hint?: string}>} change the new state
 */
function toggle(label, hint, on, change) {
  const words = el('small', {}, hint);
  const button = el(
    'button',
    { type: 'button', class: 'switch', role: 'switch', 'aria-checked': String(on) },
    el('span', {}, label, words),
    el('span', { class: 'knob', 'aria-hidden': 'true' }),
  );
  button.addEventListener('click', async () => {
    const now = await change(button.getAttribute('aria-checked') !== 'true');
    button.setAttribute('aria-checked', String(now.on));
    if (now.hint) words.textContent = now.hint;
  });
  return button;
}

/** @param {import('./app.js').App} app */
function notifications(app) {
  const missing = !('Notification' in window);
  const blocked = !missing && Notification.permission === 'denied';
  const hint = missing ? texts.notificationsMissing : blocked ? texts.notificationsBlocked : texts.notificationsHint;
  const button = toggle(texts.notifications, hint, app.notifier.notificationsOn, async (wanted) => {
    const on = await app.notifier.setNotifications(wanted);
    return { on, hint: Notification.permission === 'denied' ? texts.notificationsBlocked : texts.notificationsHint };
  });
  button.disabled = missing || blocked;
  return button;
}

function themes() {
  const group = el('div', { class: 'filters', role: 'group', 'aria-label': texts.theme });
  const paint = () => {
    for (const button of group.querySelectorAll('button'))
      button.setAttribute('aria-pressed', String(button.dataset.theme === theme()));
  };
  for (const name of /** @type {Theme[]} */ (['auto', 'light', 'dark'])) {
    group.append(
      el(
        'button',
        {
          type: 'button',
          'data-theme': name,
          onClick: () => {
            applyTheme(name);
            paint();
          },
        },
        texts.themes[name],
      ),
    );
  }
  paint();
  return group;
}

/** @param {import('./app.js').App} app */
function teamLines(app) {
  const { operators, me, names } = app.store;
  const line = (/** @type {import('./types.js').Operator} */ operator) => {
    const mine = operator.id === me?.id;
    const state = operator.available === false ? texts.away : texts.available;
    return el(
      'li',
      {},
      el(
        'span',
        { class: 'avatar small', 'data-tint': tint(operator.id), 'aria-hidden': 'true' },
        initials(operator.name),
      ),
      el('span', { dir: 'auto' }, mine ? `${operator.name} (${texts.you})` : names.label(operator.id, operator.name)),
      el('span', { class: 'quiet' }, state),
    );
  };
  return operators.length ? operators.map(line) : [el('li', { class: 'quiet' }, texts.onlyYou)];
}
