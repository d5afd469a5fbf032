/** The line to the server: one at a time, and behind all that was asked for. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { listen } from '../../../flask_pocketping/static/widget/src/stream.js';

/** Let all promises that are settled have their say. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A line that polls; each poll waits for its answer in `asked`, each end for its own in `lost`. */
function line(t, options = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const asked = [];
  const lost = [];
  const frames = [];
  const made = listen({
    address: () => '',
    transport: 'poll',
    poll: () => new Promise((resolve, reject) => asked.push({ resolve, reject })),
    onFrame: (frame) => frames.push(frame),
    onState: () => {},
    onLost: () => new Promise((resolve) => lost.push(resolve)),
    ...options,
  });
  return { ...made, asked, lost, frames };
}

const answer = (more) => ({ frames: [], cursor: '0', hasMore: false, operatorOnline: true, ...more });

test('a page that wakes while the line comes back has one line, not two', async (t) => {
  const { asked, lost, wake } = line(t);
  asked[0].reject(Error('no line'));
  await settled();
  t.mock.timers.tick(500);
  assert.equal(lost.length, 1);
  wake();
  assert.equal(asked.length, 2);
  lost[0]();
  await settled();
  assert.equal(asked.length, 2);
});

test('a line that was given up does not come back', async (t) => {
  const { asked, lost, stop } = line(t);
  asked[0].reject(Error('no line'));
  await settled();
  t.mock.timers.tick(500);
  stop();
  lost[0]();
  await settled();
  assert.equal(asked.length, 1);
});

test('what is answered after the line was given up is of no interest', async (t) => {
  const { asked, frames, stop } = line(t);
  stop();
  asked[0].resolve(answer({ frames: [{ type: 'message', data: {}, cursor: '1' }] }));
  await settled();
  t.mock.timers.tick(5000);
  assert.deepEqual([frames, asked.length], [[], 1]);
});

test('a poll goes on behind what was not for the visitor, too', async (t) => {
  const { asked, frames } = line(t);
  asked[0].resolve(answer({ frames: [{ type: 'message', data: {}, cursor: '3' }], cursor: '100', hasMore: true }));
  await settled();
  assert.deepEqual(frames.map(({ cursor }) => cursor).filter(Boolean), ['3', '100']);
});

test('what the server does not carry is not tried', (t) => {
  globalThis.WebSocket = globalThis.EventSource = class {
    constructor() {
      throw Error('nobody asked for it');
    }
  };
  t.after(() => {
    delete globalThis.WebSocket;
    delete globalThis.EventSource;
  });
  for (const transport of [undefined, 'ws', 'sse', 'poll']) {
    t.mock.timers.reset();
    const { asked, stop } = line(t, { transport, carried: ['poll'] });
    assert.equal(asked.length, 1);
    stop();
  }
});

test('where nothing but polls is carried they go on for ever', async (t) => {
  const states = [];
  const { asked, stop } = line(t, { transport: undefined, carried: ['poll'], onState: (live) => states.push(live) });
  for (let polls = 0; polls < 200; polls += 1) {
    asked[polls].resolve(answer());
    await settled();
    t.mock.timers.tick(2000);
  }
  assert.deepEqual([states, asked.length], [[true], 201]);
  stop();
});
