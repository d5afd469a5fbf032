/** The widget's messages: whatever comes twice, late or out of order, it ends where a fresh look would. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Store } from '../../../flask_pocketping/static/widget/src/store.js';

const message = (seq, more = {}) => ({
  id: `msg_${seq}`,
  seq,
  content: `Text ${seq}`,
  sender: 'operator',
  timestamp: '2024-01-15T10:30:00Z',
  status: 'sent',
  ...more,
});
const own = (clientId, content) => ({
  id: clientId,
  clientId,
  content,
  sender: 'visitor',
  timestamp: '2024-01-15T10:31:00Z',
  status: 'sending',
});
const answer = (messageId) => ({ messageId, timestamp: '2024-01-15T10:31:01Z' });
const ids = (store) => store.messages.map(({ id }) => id);

function filled(...messages) {
  const store = new Store();
  for (const one of messages) store.receive(one);
  return store;
}

test('messages stand in the order of their seq, however they come', () => {
  assert.deepEqual(ids(filled(message(5), message(2), message(9), message(7))), ['msg_2', 'msg_5', 'msg_7', 'msg_9']);
});

test('a message that comes twice is there once, with what is new', () => {
  const store = filled(message(1), message(2), message(1, { content: 'Changed' }));
  assert.deepEqual(ids(store), ['msg_1', 'msg_2']);
  assert.equal(store.get('msg_1').content, 'Changed');
});

test('what is on its way stands last until the server says where it belongs', () => {
  const store = filled(message(1), own('a', 'Mine'), message(4));
  assert.deepEqual(ids(store), ['msg_1', 'msg_4', 'a']);
  store.settle('a', answer('msg_3'));
  store.receive(message(3, { sender: 'visitor' }));
  assert.deepEqual(ids(store), ['msg_1', 'msg_3', 'msg_4']);
});

test('what was sent keeps its place before what is still on its way', () => {
  const store = filled(own('a', 'One'), own('b', 'Two'));
  store.settle('a', answer('msg_2'));
  assert.deepEqual(ids(store), ['msg_2', 'b']);
});

test('threat 19: an own message that the stream tells first is never shown twice', () => {
  const store = filled(own('a', 'Mine'));
  assert.deepEqual(store.receive(message(3, { sender: 'visitor', content: 'Mine' }), ['Mine']), []);
  assert.deepEqual(ids(store), ['a']);
  store.settle('a', answer('msg_3'));
  store.release();
  assert.deepEqual(ids(store), ['msg_3']);
  assert.equal(store.get('msg_3').seq, 3);
});

test('threat 19: an answer that comes after the message was let in joins the two', () => {
  const store = filled(own('a', 'Mine'), message(3, { sender: 'visitor', content: 'Mine', status: 'read' }));
  store.settle('a', answer('msg_3'));
  assert.deepEqual(ids(store), ['msg_3']);
  assert.equal(store.get('msg_3').status, 'read');
});

test('what was refused stays where it was written', () => {
  const store = filled(message(1), message(2), own('a', 'Rude'));
  store.receive({ ...own('a', 'Rude'), status: 'failed', after: 2 });
  store.receive(message(3));
  store.receive(own('b', 'Kind'));
  assert.deepEqual(ids(store), ['msg_1', 'msg_2', 'a', 'msg_3', 'b']);
  store.settle('b', answer('msg_4'));
  store.receive(message(4));
  assert.deepEqual(ids(store), ['msg_1', 'msg_2', 'a', 'msg_3', 'msg_4']);
});

test('two equal texts are two messages', () => {
  const store = filled(own('a', 'Hello'), own('b', 'Hello'));
  store.settle('a', answer('msg_2'));
  store.settle('b', answer('msg_3'));
  assert.deepEqual(ids(store), ['msg_2', 'msg_3']);
});

test('older own messages are not held back by what is on its way', () => {
  const store = new Store();
  assert.equal(store.receive(message(1, { sender: 'visitor', content: 'Long ago' }), ['Mine']).length, 1);
});

test('frames change what is there and nothing else', () => {
  const store = filled(message(1), message(2));
  const changed = store.apply({
    type: 'message_edited',
    data: { messageId: 'msg_1', content: 'Better', editedAt: 'now' },
  });
  assert.deepEqual(
    changed.map(({ content }) => content),
    ['Better'],
  );
  store.apply({ type: 'message_deleted', data: { messageId: 'msg_2', deletedAt: 'now' } });
  assert.deepEqual([store.get('msg_2').content, store.get('msg_2').deletedAt], ['', 'now']);
  store.apply({ type: 'read', data: { messageIds: ['msg_1', 'msg_9'], status: 'read' } });
  assert.equal(store.get('msg_1').status, 'read');
  assert.deepEqual(store.apply({ type: 'presence', data: { online: true } }), []);
});

test('a receipt reaches a message that is still held back', () => {
  const store = filled(own('a', 'Mine'));
  store.receive(message(3, { sender: 'visitor', content: 'Mine' }), ['Mine']);
  store.apply({ type: 'read', data: { messageIds: ['msg_3'], status: 'read' } });
  store.settle('a', answer('msg_3'));
  store.release();
  assert.equal(store.get('msg_3').status, 'read');
});

test('what was sent takes its place while others are still on their way', () => {
  const store = filled(own('a', 'One'), own('b', 'Two'));
  for (const [seq, content] of [
    [1, 'One'],
    [2, 'Two'],
  ]) {
    store.receive(message(seq, { sender: 'visitor', content }), ['One', 'Two']);
  }
  store.settle('a', answer('msg_1'));
  store.release(['Two']);
  store.receive(message(3));
  assert.deepEqual(ids(store), ['msg_1', 'msg_3', 'b']);
  store.settle('b', answer('msg_2'));
  store.release([]);
  assert.deepEqual(ids(store), ['msg_1', 'msg_2', 'msg_3']);
});

test('unread is what others wrote and nobody read or took back', () => {
  const store = filled(
    message(1, { status: 'read' }),
    message(2),
    message(3, { sender: 'visitor' }),
    message(4, { deletedAt: 'now' }),
  );
  assert.deepEqual(
    store.unread().map(({ id }) => id),
    ['msg_2'],
  );
});

test('five thousand messages are taken in at once, newest page first', () => {
  const store = new Store();
  for (let page = 99; page >= 0; page--) for (let at = 1; at <= 50; at++) store.receive(message(page * 50 + at));
  assert.deepEqual(
    store.messages.map(({ seq }) => seq),
    Array.from({ length: 5000 }, (_, at) => at + 1),
  );
});

test('that the conversation was closed or reopened is nothing to read; what the system says otherwise is', () => {
  const announced = (seq, kind) => message(seq, { metadata: { system: true, ...(kind && { kind }) } });
  const store = filled(message(1), announced(2, 'session.closed'), announced(3, 'session.reopened'), announced(4));
  assert.deepEqual(
    store.unread().map(({ id }) => id),
    ['msg_1', 'msg_4'],
  );
});
