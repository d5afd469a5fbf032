/** The inbox's connection: a socket and polls, one cursor, and every event once. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Refused, SignedOut, Unreachable } from '../../../flask_pocketping/static/inbox/api.js';
import { Connection } from '../../../flask_pocketping/static/inbox/connection.js';

const ALL = ['websocket', 'sse', 'poll'];
const settled = () => new Promise((resolve) => setImmediate(resolve));
const event = (number) => ({ type: 'event.sent', id: `evt_${number}`, sessionId: 's', cursor: String(number) });
const news = (cursor, numbers = [], more = {}) => ({
  frames: numbers.map(event),
  cursor: String(cursor),
  hasMore: false,
  online: true,
  operators: [],
  ...more,
});

/** A connection to a server that the test plays: `sockets` it opened, `polls` that wait for an answer, `calls` it made. */
function connected(t, { transports = ALL, available = () => true, hidden = false } = {}) {
  globalThis.window = globalThis;
  globalThis.document = { visibilityState: hidden ? 'hidden' : 'visible' };
  const found = { sockets: [], polls: [], calls: [], told: [], frames: [], states: [] };
  globalThis.WebSocket = class {
    constructor() {
      this.sent = [];
      found.sockets.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.closed = true;
    }

    /** The server lets it in. */
    letIn(cursor) {
      this.onopen();
      this.say({ type: 'auth.ok', cursor: String(cursor) });
    }

    say(frame) {
      this.onmessage({ data: JSON.stringify(frame) });
    }
  };
  t.after(() => {
    for (const name of ['WebSocket', 'window', 'document']) delete globalThis[name];
  });
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  t.mock.method(Math, 'random', () => 0.5);
  const api = {
    call: (method, path, options) => {
      found.calls.push([method, path, options]);
      if (path !== '/updates') return Promise.resolve({});
      return new Promise((resolve, reject) => found.polls.push({ ...options.query, resolve, reject }));
    },
    tell: (method, path, query) => found.told.push([method, path, query]),
  };
  const connection = new Connection({
    api,
    url: 'ws://x/ws',
    transports,
    token: async () => 'token',
    available,
    onFrame: (frame) => found.frames.push(frame),
    onState: (state) => found.states.push(state),
    isSignedOut: (error) => error instanceof SignedOut,
  });
  t.after(() => connection.stop());
  const heard = () => found.frames.filter(({ id }) => id).map(({ cursor }) => Number(cursor));
  const pass = async (milliseconds) => {
    t.mock.timers.tick(milliseconds);
    await settled();
  };
  const answer = async (at, ...facts) => {
    found.polls[at].resolve(news(...facts));
    await settled();
  };
  return { ...found, connection, heard, pass, answer };
}

async function started(t, options) {
  const made = connected(t, options);
  made.connection.start();
  await settled();
  return made;
}

test('a server without sockets is polled from the start, and no socket is tried', async (t) => {
  const { sockets, polls, states, heard, pass, answer, connection } = await started(t, { transports: ['poll'] });
  assert.deepEqual([sockets.length, polls.length, polls[0].after], [0, 1, undefined]);
  await answer(0, 5);
  assert.deepEqual(states, ['open']);
  await pass(2000);
  assert.equal(polls[1].after, '5');
  await answer(1, 7, [6, 7]);
  connection.hurry();
  await settled();
  await answer(2, 7);
  assert.deepEqual([heard(), sockets.length, states], [[6, 7], 0, ['open']]);
});

test('a socket that fails is followed by a poll at once, and nobody hears of it', async (t) => {
  const { sockets, polls, states, answer } = await started(t);
  sockets[0].onclose({ code: 1006 });
  await settled();
  assert.equal(polls.length, 1);
  await answer(0, 5);
  assert.deepEqual(states, ['open']);
});

test('a socket that opens and lets nothing through is not waited for', async (t) => {
  const { sockets, polls, states, pass, answer } = await started(t);
  sockets[0].onopen();
  await pass(3000);
  assert.equal(polls.length, 1);
  await answer(0, 5);
  assert.deepEqual(states, ['open']);
});

test('events are told once and without a gap, from socket to polls and back', async (t) => {
  const { sockets, polls, told, states, heard, pass, answer } = await started(t);
  sockets[0].letIn(1);
  sockets[0].say(event(2));
  sockets[0].onclose({ code: 1012 });
  await settled();
  assert.equal(polls[0].after, '2');
  await answer(0, 2, [3, 4]);
  await pass(2000);
  assert.deepEqual([polls[1].after, sockets.length], ['2', 2], 'a transaction holds the cursor below what was told');
  await answer(1, 4, [2, 3, 4]);
  sockets[1].letIn(4);
  assert.equal(sockets[1].sent[0].after, '4');
  assert.deepEqual(
    told.map(([method, path]) => [method, path]),
    [['DELETE', '/updates']],
  );
  sockets[1].say(event(4));
  sockets[1].say(event(5));
  await pass(20_000);
  assert.deepEqual([heard(), states, polls.length], [[2, 3, 4, 5], ['open'], 2]);
});

test('an answer that comes after the socket has opened is of no interest, and the server hears of the end last', async (t) => {
  const { sockets, polls, told, heard, pass, answer } = await started(t);
  sockets[0].letIn(1);
  sockets[0].onclose({ code: 1012 });
  await pass(1000);
  sockets[1].letIn(1);
  assert.deepEqual([polls.length, told.length], [1, 0]);
  await answer(0, 9, [8, 9]);
  assert.equal(told.length, 1);
  sockets[1].say(event(2));
  assert.deepEqual(heard(), [2]);
});

test('where neither works the connection is lost, until one does', async (t) => {
  const { sockets, polls, states, pass, answer } = await started(t);
  sockets[0].onclose({ code: 1006 });
  await settled();
  polls[0].reject(new Unreachable());
  await settled();
  assert.deepEqual(states, ['lost']);
  await pass(1000);
  await answer(1, 5);
  assert.deepEqual(states.at(-1), 'open');
});

test('a request that is not answered is a lost connection', async (t) => {
  const { states, pass } = await started(t, { transports: ['poll'] });
  await pass(5000);
  assert.deepEqual(states, []);
  await pass(1000);
  assert.deepEqual(states, ['lost']);
});

test('a server that says when to come back is asked then', async (t) => {
  const { polls, pass } = await started(t, { transports: ['poll'] });
  polls[0].reject(new Refused(429, {}, 30));
  await settled();
  await pass(29_000);
  assert.equal(polls.length, 1);
  await pass(1000);
  assert.equal(polls.length, 2);
});

test('a server that lets nobody poll is not asked again', async (t) => {
  const { sockets, polls, states, pass } = await started(t, { transports: ['websocket'] });
  sockets[0].onclose({ code: 1006 });
  await pass(60_000);
  assert.deepEqual([polls.length, states[0]], [0, 'lost']);
});

test('a server of another version that refuses to be polled is asked once', async (t) => {
  const { sockets, polls, pass } = await started(t);
  sockets[0].onclose({ code: 1006 });
  await settled();
  polls[0].reject(new Refused(501, { code: 'TRANSPORT_UNSUPPORTED' }));
  await settled();
  await pass(60_000);
  assert.equal(polls.length, 1);
  assert.ok(sockets.length > 1);
});

test('much that is new is asked for without a pause', async (t) => {
  const { polls, heard, pass, answer } = await started(t, { transports: ['poll'] });
  await answer(0, 1, [1], { hasMore: true });
  await pass(0);
  await answer(1, 2, [2]);
  await pass(1000);
  assert.deepEqual([heard(), polls.length], [[1, 2], 2]);
});

test('one frame that can not be shown holds up no other', async (t) => {
  const { connection, heard, pass, answer, polls } = await started(t, { transports: ['poll'] });
  const problems = [];
  globalThis.reportError = (error) => problems.push(error.message);
  t.after(() => delete globalThis.reportError);
  const { onFrame } = connection;
  connection.onFrame = (frame) => {
    if (frame.id === 'evt_2') throw Error('no');
    onFrame(frame);
  };
  await answer(0, 3, [1, 2, 3]);
  await pass(2000);
  assert.deepEqual([heard(), problems, polls[1].after], [[1, 3], ['no'], '3']);
});

test('who is there is told when it changes', async (t) => {
  const { frames, pass, answer } = await started(t, { transports: ['poll'] });
  const ana = { id: '7', name: 'Ana', available: true };
  await answer(0, 1, [], { operators: [ana] });
  await pass(2000);
  await answer(1, 1, [], { operators: [ana] });
  await pass(2000);
  await answer(2, 1, [], { operators: [{ ...ana, available: false }], online: false });
  assert.deepEqual(
    frames.map(({ type, online }) => [type, online]),
    [
      ['presence', true],
      ['presence', false],
    ],
  );
});

test('who goes away tells it with the next request, at once', async (t) => {
  let available = true;
  const { connection, polls, pass, answer } = await started(t, { transports: ['poll'], available: () => available });
  assert.equal(polls[0].available, true);
  available = false;
  assert.equal(connection.send({ type: 'available', available }), false, 'nobody is there to be told');
  await answer(0, 1);
  assert.equal(connection.send({ type: 'available', available }), true);
  await settled();
  assert.equal(polls[1].available, false);
  // This one is on its way already; what changes meanwhile is told behind it.
  available = true;
  connection.send({ type: 'available', available });
  assert.equal(polls.length, 2);
  await answer(1, 1);
  await pass(0);
  assert.equal(polls[2].available, true);
});

test('typing goes by a request of its own', async (t) => {
  const { connection, calls, answer } = await started(t, { transports: ['poll'] });
  const frame = { type: 'typing', sessionId: 'sess_1', isTyping: true };
  assert.equal(connection.send(frame), false);
  await answer(0, 1);
  assert.equal(connection.send(frame), true);
  assert.deepEqual(calls.at(-1), ['POST', '/sessions/sess_1/typing', { body: { isTyping: true } }]);
});

test('a page that goes away says so, and asks at once when it is back', async (t) => {
  const { connection, polls, told, answer } = await started(t, { transports: ['poll'] });
  await answer(0, 1);
  connection.pause();
  assert.equal(told.length, 1);
  connection.hurry();
  await settled();
  assert.equal(polls.length, 2);
});

test('a page in the background asks less often', async (t) => {
  const { polls, pass, answer } = await started(t, { transports: ['poll'], hidden: true });
  await answer(0, 1);
  await pass(7000);
  assert.equal(polls.length, 1);
  await pass(1000);
  assert.equal(polls.length, 2);
});

test('an operator who is signed out is told once, and nothing more is asked', async (t) => {
  const { sockets, polls, states, pass } = await started(t);
  sockets[0].onclose({ code: 1006 });
  await settled();
  polls[0].reject(new SignedOut());
  await settled();
  await pass(60_000);
  assert.deepEqual([states, polls.length, sockets.length], [['signed out'], 1, 1]);
});
