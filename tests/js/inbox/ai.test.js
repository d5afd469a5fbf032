/** What the inbox knows of the AI: an answer of the server that is late undoes nothing. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sessionChange } from '../../../flask_pocketping/static/inbox/store/sessions.js';
import { Store } from '../../../flask_pocketping/static/inbox/store/store.js';

const draft = (id, state = 'pending') => ({ id, sessionId: 'a', content: 'Hello', state, passages: [], createdAt: '' });
const action = (id, state = 'waiting') => ({ id, sessionId: 'a', tool: 'refund', arguments: {}, state });
const answer = (messageId, passages) => ({ id: `ans_${messageId}`, outcome: 'answered', messageId, passages });
const passage = { id: 'p', version: '1', title: 'Shipping' };

/** A store with an open conversation, and what it tells of. */
function opened() {
  const store = new Store();
  store.conversations.open('a');
  const told = [];
  for (const topic of ['ai', 'conversation']) store.on(topic, (id) => told.push(`${topic} ${id}`));
  return { store, told };
}

test('the newest pending draft and the open call are what waits', () => {
  const { store, told } = opened();
  assert.equal(store.ai.waits('a'), false);
  const drafts = [draft('d2'), draft('d1', 'stale')];
  store.ai.take('a', { drafts, actions: [action('2', 'stale'), action('1', 'running')] }, store.moment);
  assert.equal(store.ai.pendingDraft('a').id, 'd2');
  assert.equal(store.ai.openAction('a').id, '1');
  assert.equal(store.ai.waits('a'), true);
  assert.deepEqual(told, ['ai a']);
});

test('a decision of this page outlasts what was asked for before it', () => {
  const { store } = opened();
  const before = { drafts: [draft('d')], actions: [action('1')] };
  store.ai.take('a', before, store.moment);
  const since = store.moment;
  store.ai.settleDraft(draft('d'), 'sent');
  store.ai.takeAction(action('1', 'accepted'));
  store.ai.take('a', before, since);
  assert.equal(store.ai.pendingDraft('a'), undefined);
  assert.equal(store.ai.openAction('a').state, 'accepted');
  store.ai.take('a', { drafts: [draft('e')], actions: [action('1', 'done')] }, store.moment);
  assert.equal(store.ai.pendingDraft('a').id, 'e');
  assert.equal(store.ai.openAction('a'), undefined);
});

test('the passages of a message are the same array while they are the same', () => {
  const { store, told } = opened();
  const message = { id: 'm', sessionId: 'a' };
  const take = (passages) =>
    store.ai.take('a', { drafts: [], actions: [], answers: [answer('m', passages)] }, store.moment);
  assert.deepEqual(store.ai.sourcesOf(message), []);
  take([passage]);
  const first = store.ai.sourcesOf(message);
  take([{ ...passage }]);
  assert.equal(store.ai.sourcesOf(message), first);
  assert.deepEqual(told, ['conversation a', 'ai a', 'ai a']);
  take([{ ...passage, version: '2' }]);
  assert.equal(store.ai.sourcesOf(message)[0].version, '2');
  // An answer without a list of answers leaves them.
  store.ai.take('a', { drafts: [], actions: [] }, store.moment);
  assert.equal(store.ai.of('a').answers.length, 1);
});

test('nothing is kept of a conversation that is not open', () => {
  const { store, told } = opened();
  store.ai.take('b', { drafts: [draft('d')], actions: [] }, store.moment);
  assert.equal(store.ai.pendingDraft('b'), undefined);
  assert.deepEqual(store.ai.sourcesOf({ id: 'm', sessionId: 'b' }), []);
  assert.deepEqual(told, []);
});

test('a switch of the AI ends a hand-over, and switching it off ends its answers', () => {
  const change = (enabled) => sessionChange({ type: 'ai.toggled', sessionId: 'a', enabled });
  const session = { aiEnabled: true, aiActive: true, aiHandedOver: true };
  assert.deepEqual({ ...session, ...change(true) }, { aiEnabled: true, aiActive: true, aiHandedOver: undefined });
  assert.deepEqual({ ...session, ...change(false) }, { aiEnabled: false, aiActive: false, aiHandedOver: undefined });
});

test('a frame about drafts or calls changes nothing by itself', () => {
  const { store, told } = opened();
  for (const type of ['ai_draft', 'ai_action']) store.apply({ type, sessionId: 'a' });
  assert.deepEqual(told, []);
  assert.equal(store.stale.size, 0);
});
