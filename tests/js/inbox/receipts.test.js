/** Receipts: whatever was on its way when a message came, the visitor learns in the end that it was read. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Receipts } from '../../../flask_pocketping/static/inbox/receipts.js';
import { Store } from '../../../flask_pocketping/static/inbox/store/store.js';

/** An operator who looks at a conversation with something unread. */
function reading(t, answer) {
  globalThis.window = globalThis;
  globalThis.addEventListener ??= () => {};
  globalThis.document = { visibilityState: 'visible', hasFocus: () => true, addEventListener: () => {} };
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const store = new Store();
  const asked = [];
  const receipts = new Receipts(store, { call: (method, path, { body }) => (asked.push(body), answer()) }, () => 'a');
  store.takeSession({ id: 'a', lastActivity: '', status: 'active', unread: 1, unanswered: true, lastMessage: null });
  store.takeMessages('a', [], false);
  return { store, receipts, asked };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('what comes while a receipt is on its way is told behind it', async (t) => {
  let answered = () => {};
  const { receipts, asked } = reading(t, () => new Promise((resolve) => (answered = resolve)));
  t.mock.timers.tick(600);
  assert.deepEqual(asked, [{ status: 'read' }]);
  receipts.arrived({ id: 'msg_2', sessionId: 'a' });
  t.mock.timers.tick(600);
  answered();
  await settled();
  t.mock.timers.tick(600);
  assert.deepEqual(asked, [{ status: 'read' }, { status: 'read' }]);
});

test('a receipt that failed is told again', async (t) => {
  const { asked } = reading(t, () => Promise.reject(new Error()));
  t.mock.timers.tick(600);
  await settled();
  t.mock.timers.tick(10_000);
  t.mock.timers.tick(600);
  assert.equal(asked.length, 2);
});

test('what only the server knew to be unread is told too', (t) => {
  const { store, asked } = reading(t, async () => {});
  store.takeSession({ ...store.sessions.get('a'), unread: 0 });
  t.mock.timers.tick(600);
  assert.deepEqual(asked, []);
  store.takeSession({ ...store.sessions.get('a'), unread: 1 });
  t.mock.timers.tick(600);
  assert.deepEqual(asked, [{ status: 'read' }]);
});
