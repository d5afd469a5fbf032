/** What became of messages on bridges: late answers of the server undo nothing, and what waits is known. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Store } from '../../../flask_pocketping/static/inbox/store/store.js';

const message = (seq, deliveries) => ({
  id: `m${seq}`,
  sessionId: 'a',
  seq,
  content: 'Text',
  type: 'operator',
  createdAt: `2024-01-15T10:30:0${seq}.000Z`,
  status: 'sent',
  ...(deliveries && { deliveries }),
});
const on = (state, bridge = 'telegram') => ({ bridge, state });
const created = (seq, more = {}) => ({
  type: 'message.created',
  id: `evt_${seq}`,
  sessionId: 'a',
  timestamp: '2024-01-15T10:31:00.000Z',
  message: { ...message(seq), ...more },
});

/** A store of an app with a bridge, with an open conversation. */
function bridged(...messages) {
  const store = new Store();
  store.takeMe({ id: '1', name: 'Ana' }, { ai: false, editOthers: false, bridges: ['telegram'] });
  store.conversations.open('a');
  store.takeMessages('a', messages, false);
  return store;
}

const states = (store, seq) => store.deliveries.of({ id: `m${seq}`, sessionId: 'a' }).map(({ state }) => state);

test('a page tells what became of its messages', () => {
  const store = bridged(message(1, [on('sent')]), message(2, [on('failed')]), message(3));
  assert.deepEqual(
    [1, 2, 3].map((seq) => states(store, seq)),
    [['sent'], ['failed'], []],
  );
  assert.deepEqual(store.deliveries.count('a', 'telegram'), { queued: 0, sent: 1, maybe: 0, failed: 1 });
  assert.deepEqual(store.deliveries.count('a', 'slack'), { queued: 0, sent: 0, maybe: 0, failed: 0 });
  assert.equal(store.deliveries.firstUnsettled('a'), null);
});

test('a new message waits until the server has told of it', () => {
  const store = bridged();
  store.apply(created(1));
  assert.equal(store.deliveries.firstUnsettled('a'), 1);
  assert.deepEqual(states(store, 1), []);
  store.apply({ type: 'deliveries', sessionId: 'a', messageId: 'm1', deliveries: [on('queued')] });
  assert.equal(store.deliveries.firstUnsettled('a'), 1);
  store.apply({ type: 'deliveries', sessionId: 'a', messageId: 'm1', deliveries: [on('sent')] });
  assert.equal(store.deliveries.firstUnsettled('a'), null);
});

test("the server's own lines go to no bridge, and without bridges nothing is waited for", () => {
  const store = bridged();
  store.apply(created(1, { type: 'system', kind: 'session.closed' }));
  assert.equal(store.deliveries.firstUnsettled('a'), null);
  store.deliveries.bridges = [];
  store.apply(created(2));
  assert.equal(store.deliveries.firstUnsettled('a'), null);
});

test('a page that was asked for before an event does not undo it', () => {
  const store = bridged(message(1, [on('queued')]));
  const since = store.moment;
  store.apply({ type: 'deliveries', sessionId: 'a', messageId: 'm1', deliveries: [on('sent')] });
  store.deliveries.takePage('a', [message(1, [on('queued')])], since);
  assert.deepEqual(states(store, 1), ['sent']);
  store.deliveries.takePage('a', [message(1, [on('failed')])], store.moment);
  assert.deepEqual(states(store, 1), ['failed']);
});

test('states that are the same stay the same array, and change nothing in the session', () => {
  const store = bridged(message(1, [on('queued')]));
  const before = store.deliveries.of({ id: 'm1', sessionId: 'a' });
  const told = [];
  store.on('session', (id) => told.push(id));
  store.deliveries.takePage('a', [message(1, [on('queued')])], store.moment);
  assert.equal(store.deliveries.of({ id: 'm1', sessionId: 'a' }), before);
  assert.deepEqual(told, []);
  store.deliveries.takePage('a', [message(1, [on('failed')])], store.moment);
  assert.deepEqual(told, ['a']);
});

test('a post in a thread that is not known makes the session stale', () => {
  const store = bridged(message(1, [on('queued')]));
  store.stale.clear();
  store.deliveries.take('a', 'm1', [on('sent')], store.moment);
  assert.deepEqual([...store.stale], ['a']);
  store.stale.clear();
  store.deliveries.takePlace('a', { threads: [{ bridge: 'telegram', state: 'open' }], claim: { name: 'Ana' } });
  store.deliveries.take('a', 'm2', [on('sent')], store.moment);
  assert.deepEqual([...store.stale], []);
  assert.deepEqual(store.deliveries.place('a').claim, { name: 'Ana' });
});

test('of a conversation that is not open nothing is known', () => {
  const store = bridged();
  store.deliveries.take('b', 'm1', [on('sent')], store.moment);
  store.deliveries.takePlace('b', { threads: [{ bridge: 'telegram', state: 'open' }] });
  assert.deepEqual(store.deliveries.of({ id: 'm1', sessionId: 'b' }), []);
  assert.deepEqual(store.deliveries.place('b'), { threads: [], claim: null });
  assert.equal(store.deliveries.firstUnsettled('b'), null);
});
