/** When the inbox asks what the AI did: after frames that tell of it, and from time to time while something waits. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AIWatch } from '../../../flask_pocketping/static/inbox/aiWatch.js';
import { Store } from '../../../flask_pocketping/static/inbox/store/store.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A watch over the conversation `a`, what it has asked for, and what the server answers. */
function watching(t, { ai = true } = {}) {
  globalThis.window = globalThis;
  globalThis.document = { visibilityState: 'visible' };
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const store = new Store();
  store.takeMe({ id: '1', name: 'Ana' }, { ai, editOthers: false });
  store.conversations.open('a');
  const asked = [];
  const answers = { drafts: [], actions: [], answers: [] };
  const failed = [];
  const call = async (method, path) => {
    asked.push(path.replace('/sessions/a/ai/', ''));
    if (answers.error) throw answers.error;
    return path === '/ai' ? { enabled: true, usedToday: 1 } : answers;
  };
  const open = { id: 'a' };
  const watch = new AIWatch({
    store,
    api: { call },
    openSession: () => open.id,
    failed: (error) => failed.push(error),
  });
  const tick = async (milliseconds) => {
    t.mock.timers.tick(milliseconds);
    await settled();
    return asked.splice(0);
  };
  return { watch, store, answers, failed, open, tick };
}

const ALL = ['drafts', 'actions', 'answers', '/ai'];
const frame = (type, more = {}) => ({ type, sessionId: 'a', ...more });

test('frames that may have changed something are followed by one question', async (t) => {
  const { watch, store, tick } = watching(t);
  for (const one of [frame('ai_draft'), frame('ai_action'), frame('message.created', { message: { type: 'ai' } })]) {
    watch.receive(one);
    assert.deepEqual(await tick(100), []);
    watch.receive(one);
    assert.deepEqual(await tick(50), ALL, 'an event behind does not put it off');
  }
  assert.equal(store.ai.status.usedToday, 1);
  for (const one of [
    frame('message.created', { message: { type: 'visitor' } }),
    frame('typing'),
    frame('ai_draft', { sessionId: 'b' }),
  ])
    watch.receive(one);
  assert.deepEqual(await tick(60_000), []);
});

test('while something waits, drafts and calls are asked for again and again', async (t) => {
  const { watch, answers, tick } = watching(t);
  answers.drafts = [{ id: 'd', sessionId: 'a', state: 'pending' }];
  watch.soon();
  assert.deepEqual(await tick(150), ALL);
  assert.deepEqual(await tick(4999), []);
  assert.deepEqual(await tick(1), ['drafts', 'actions']);
  document.visibilityState = 'hidden';
  assert.deepEqual(await tick(5000), ['drafts', 'actions']);
  assert.deepEqual(await tick(5000), []);
  assert.deepEqual(await tick(25_000), ['drafts', 'actions']);
  watch.receive(frame('ai_draft'));
  answers.drafts = [];
  assert.deepEqual(await tick(150), ALL);
  assert.deepEqual(await tick(60_000), []);
});

test('what comes while a question is on its way is asked for behind it, and so is another conversation', async (t) => {
  const { watch, open, tick } = watching(t);
  watch.soon();
  t.mock.timers.tick(150);
  watch.receive(frame('ai_draft'));
  t.mock.timers.tick(150);
  assert.deepEqual(await tick(0), ALL);
  assert.deepEqual(await tick(150), ALL);
  watch.soon();
  t.mock.timers.tick(150);
  open.id = 'b';
  await tick(0);
  assert.deepEqual(await tick(150), [...['drafts', 'actions', 'answers'].map((one) => `/sessions/b/ai/${one}`), '/ai']);
});

test('a question that fails is told of, and what waits is asked for again', async (t) => {
  const { watch, answers, failed, tick } = watching(t);
  answers.actions = [{ id: '1', sessionId: 'a', state: 'waiting' }];
  watch.soon();
  await tick(150);
  answers.error = new Error('away');
  assert.equal((await tick(5000)).length, 2);
  assert.deepEqual(failed, [answers.error]);
  assert.equal((await tick(5000)).length, 2);
});

test('without an AI nothing is asked for', async (t) => {
  const { watch, tick } = watching(t, { ai: false });
  watch.soon();
  assert.deepEqual(await tick(60_000), []);
});

test('without an open conversation nothing is asked for', async (t) => {
  const { watch, open, tick } = watching(t);
  open.id = '';
  watch.soon();
  assert.deepEqual(await tick(60_000), []);
});
