/** Timers of a page in the background, with and without a worker that keeps the time. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

const MODULE = '../../../flask_pocketping/static/inbox/timers.js';

/** The module anew, in a page that is hidden or not; `made` are the workers that it started. */
async function fresh(t, visibilityState, Worker) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  globalThis.document = { visibilityState };
  const made = [];
  if (Worker !== null) {
    globalThis.Worker = class {
      constructor() {
        this.asked = [];
        made.push(this);
      }

      postMessage(message) {
        this.asked.push(message);
      }
    };
  }
  t.after(() => {
    delete globalThis.document;
    delete globalThis.Worker;
  });
  const { later } = await import(`${MODULE}?${encodeURIComponent(t.name)}`);
  const rung = [];
  return { later: (wait, name) => later(wait, () => rung.push(name)), rung, made };
}

test('a page that is seen needs no worker', async (t) => {
  const { later, rung, made } = await fresh(t, 'visible');
  later(2000, 'one');
  later(1000, 'two')();
  t.mock.timers.tick(2000);
  assert.deepEqual([rung, made.length], [['one'], 0]);
});

test('a worker keeps the time of a page in the background', async (t) => {
  const { later, rung, made } = await fresh(t, 'hidden');
  later(8000, 'one');
  later(9000, 'two')();
  t.mock.timers.tick(60_000);
  assert.deepEqual(rung, []);
  for (const { id } of made[0].asked) made[0].onmessage({ data: id });
  assert.deepEqual([rung, made.length, made[0].asked[0].wait], [['one'], 1, 8000]);
});

test('a worker that cannot be loaded stops nobody', async (t) => {
  const { later, rung, made } = await fresh(t, 'hidden');
  later(8000, 'one');
  made[0].onerror();
  later(500, 'two');
  t.mock.timers.tick(1000);
  assert.deepEqual([rung.sort(), made.length], [['one', 'two'], 1]);
});

test('a browser without workers has its own timers', async (t) => {
  const { later, rung } = await fresh(t, 'hidden', null);
  later(8000, 'one');
  t.mock.timers.tick(8000);
  assert.deepEqual(rung, ['one']);
});
