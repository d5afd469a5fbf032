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
    url: 'ws://x/ws', token: async () => 'token', available: () => true, onFrame: () => {}, onState: (state) => states.push(state), isSignedOut: () => false, ...options,
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
