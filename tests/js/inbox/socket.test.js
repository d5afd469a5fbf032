/** The inbox's socket, where the other end is silent or the operator goes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Socket } from '../../../flask_pocketping/static/inbox/socket.js';

/** A socket with a fake line below it; `made` are the lines that it opened. */
function connected(t, options = {}) {
  globalThis.window = globalThis;
  const made = [];
  globalThis.WebSocket = class {
    constructor() {
      this.sent = [];
      made.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.closed = true;
    }
  };
  t.after(() => delete globalThis.WebSocket);
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const states = [];
  const socket = new Socket({
    url: 'ws://x/ws',
    token: async () => 'token',
    available: () => true,
    cursor: () => null,
    onFrame: () => {},
    onState: (state) => states.push(state),
    isSignedOut: () => false,
    ...options,
  });
  return { socket, made, states };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a line that opens and says nothing is given up, and another is tried', async (t) => {
  const { socket, made, states } = connected(t);
  await socket.start();
  t.mock.timers.tick(15_000);
  assert.deepEqual(states, ['lost']);
  t.mock.timers.tick(15_000);
  await settled();
  assert.equal(made.length, 2);
  socket.stop();
});

test('a socket that is stopped while its token is asked for opens no line', async (t) => {
  const { socket, made } = connected(t);
  const started = socket.start();
  socket.stop();
  await started;
  assert.equal(made.length, 0);
});

test('who goes away while the line is being opened is told to be away', async (t) => {
  let available = true;
  const { socket, made } = connected(t, { available: () => available });
  await socket.start();
  made[0].onopen();
  available = false;
  socket.send({ type: 'available', available });
  made[0].onmessage({ data: JSON.stringify({ type: 'auth.ok', cursor: '1' }) });
  assert.deepEqual(made[0].sent.at(-1), { type: 'available', available: false });
  socket.stop();
});

test('a socket whose beginning may lie behind that of the polls begins anew behind their cursor', async (t) => {
  let cursor = null;
  const { socket, made, states } = connected(t, { cursor: () => cursor });
  await socket.start();
  made[0].onopen();
  cursor = '7';
  made[0].onmessage({ data: JSON.stringify({ type: 'auth.ok', cursor: '9' }) });
  await settled();
  assert.deepEqual([states, made.length, made[0].closed], [[], 2, true]);
  made[1].onopen();
  assert.equal(made[1].sent[0].after, '7');
  made[1].onmessage({ data: JSON.stringify({ type: 'auth.ok', cursor: '7' }) });
  assert.deepEqual(states, ['open']);
  socket.stop();
});

test('a socket is tried less and less often, and seldom while there is no need of it', async (t) => {
  let longest = 0;
  const { socket, made } = connected(t, { longestWait: () => longest });
  t.mock.method(Math, 'random', () => 0.5);
  const fail = async () => {
    made.at(-1).onclose({ code: 1006 });
    const waited = socket.wait;
    t.mock.timers.tick(waited);
    await settled();
    return waited;
  };
  await socket.start();
  const waits = [];
  for (let tries = 0; tries < 8; tries += 1) waits.push(await fail());
  assert.equal(Math.max(...waits), 15_000);
  longest = 300_000;
  for (let tries = 0; tries < 8; tries += 1) waits.push(await fail());
  assert.equal(Math.max(...waits), 300_000);
  socket.stop();
});
