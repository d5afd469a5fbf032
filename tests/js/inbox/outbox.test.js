/** Messages on their way: what a reload, a refusal and another operator in the same tab make of them. */

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { Api, Refused, SignedOut, Unreachable } from '../../../flask_pocketping/static/inbox/api.js';
import { Outbox } from '../../../flask_pocketping/static/inbox/outbox.js';
import { Store } from '../../../flask_pocketping/static/inbox/store/store.js';

const ana = { id: 'ana', name: 'Ana' };
const tom = { id: 'tom', name: 'Tom' };

beforeEach(() => {
  const kept = new Map();
  globalThis.window = globalThis;
  globalThis.sessionStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
});

/** The outbox of a page that was opened anew, and what it asks of a server that does as `answer` says. */
function opened(me, answer) {
  const store = new Store();
  store.me = me;
  const asked = [];
  const api = {
    call: async (method, path, { body, key }) => (asked.push([body.content, key]), answer(body, asked.length)),
  };
  const outbox = new Outbox(store, api, () => {});
  outbox.restore();
  return { store, outbox, asked, pending: () => store.pending.of('a').map(({ content, state }) => [content, state]) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const refuse = () => Promise.reject(new Refused(409, { code: 'SESSION_CLOSED', message: 'Closed.' }));
const signOut = () => Promise.reject(new SignedOut());

test('what was refused is not sent by a reload', async () => {
  const before = opened(ana, refuse);
  before.outbox.send({ sessionId: 'a', content: 'Hello', attachments: [] });
  await settled();
  assert.deepEqual(before.pending(), [['Hello', 'failed']]);
  const after = opened(ana, refuse);
  await settled();
  assert.deepEqual(after.asked, []);
  assert.deepEqual(after.pending(), [['Hello', 'failed']]);
});

test('what a sign-out held back is sent by the one who wrote it, and by nobody else', async () => {
  const before = opened(ana, signOut);
  before.outbox.send({ sessionId: 'a', content: 'Hello', attachments: [] });
  await settled();
  const other = opened(tom, signOut);
  await settled();
  assert.deepEqual([other.asked, other.pending()], [[], []]);
  const again = opened(ana, signOut);
  await settled();
  assert.deepEqual(again.asked, before.asked, 'with the same key');
});

test('what was refused hides nothing that the operator said elsewhere in the same words', async () => {
  const { store, outbox } = opened(ana, refuse);
  outbox.send({ sessionId: 'a', content: 'Hello', attachments: [] });
  store.apply({
    type: 'message.created',
    id: 'evt_1',
    sessionId: 'a',
    timestamp: '',
    message: {
      id: 'msg_1',
      sessionId: 'a',
      seq: 1,
      content: 'Hello',
      type: 'operator',
      createdAt: '',
      status: 'sent',
      operatorId: ana.id,
      operatorName: ana.name,
    },
  });
  assert.equal(store.pending.of('a')[0].arrivedAs, 'msg_1');
  await settled();
  assert.equal(store.pending.of('a')[0].arrivedAs, undefined);
});

test('a request that nobody answers ends', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(
    globalThis,
    'fetch',
    (url, { signal }) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
  );
  const api = new Api('');
  api.token = { token: 't', operator: ana, life: 1e9, goodUntil: Date.now() + 1e9 };
  const asked = api.call('GET', '/sessions');
  const ended = assert.rejects(asked, Unreachable);
  await settled();
  t.mock.timers.tick(60_000);
  await ended;
});
