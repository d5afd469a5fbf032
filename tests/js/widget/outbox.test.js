/** The widget's outbox: kept, in order, once. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Outbox } from '../../../flask_pocketping/static/widget/src/outbox.js';

function memory() {
  const kept = new Map();
  return {
    shared: true,
    get: (key) => kept.get(key) ?? null,
    set: (key, value) => kept.set(key, value),
    remove: (key) => kept.delete(key),
    keys: (start) => [...kept.keys()].filter((key) => key.startsWith(start)),
  };
}

const entry = (at) => ({ clientId: `c${at}`, at, content: `Text ${at}` });
const problem = (message, more) => Object.assign(Error(message), more);

/** An outbox, what it sent and what it said; `answers` are thrown or returned in turn, then all goes well. */
function outbox(answers = [], storage = memory(), backOff = () => 1) {
  const sent = [];
  const said = [];
  let idle = () => {};
  const send = async ({ clientId }) => {
    const next = answers.shift();
    if (next) throw next;
    sent.push(clientId);
    return { messageId: `msg_${clientId}`, timestamp: 'now' };
  };
  const box = new Outbox(
    storage,
    send,
    ({ clientId, error }, done) => {
      said.push([clientId, done?.messageId ?? error]);
      if (!box.waiting.length) idle();
    },
    backOff,
  );
  return { box, sent, said, settled: new Promise((resolve) => (idle = resolve)) };
}

test('all is sent in the order in which it was written', async () => {
  const { box, sent, said } = outbox();
  for (const at of [3, 1, 2]) box.put(entry(at));
  await box.flush();
  assert.deepEqual(sent, ['c1', 'c2', 'c3']);
  assert.deepEqual(said[0], ['c1', 'msg_c1']);
  assert.deepEqual(box.entries, []);
});

test('threat 19: without a line it stays, and the next try sends the same', async () => {
  const { box, sent, settled } = outbox([
    problem('no line', { passes: true }),
    problem('busy', { passes: true, wait: 2 }),
  ]);
  for (const at of [1, 2]) box.put(entry(at));
  await box.flush();
  assert.deepEqual(sent, []);
  assert.equal(box.waiting.length, 2);
  await settled;
  assert.deepEqual(sent, ['c1', 'c2']);
});

test('each try in vain makes the wait longer, until there is reason to hope', async () => {
  const waits = [];
  const never = (tries) => (waits.push(tries), 1e6);
  const { box } = outbox(
    Array.from({ length: 3 }, () => problem('no line', { passes: true })),
    memory(),
    never,
  );
  box.put(entry(1));
  await box.flush(4);
  await box.flush(5);
  await box.flush();
  box.stop();
  assert.deepEqual(waits, [4, 5, 0]);
});

test('hope that comes during a try in vain is not lost', async () => {
  const waits = [];
  const never = (tries) => (waits.push(tries), 1e6);
  const { box } = outbox([problem('no line', { passes: true })], memory(), never);
  box.put(entry(1));
  await Promise.all([box.flush(6), box.flush()]);
  box.stop();
  assert.deepEqual(waits, [0]);
});

test('what the server refuses is kept with its reason and holds up nothing', async () => {
  const { box, sent } = outbox([problem('Too rude.', { passes: false })]);
  for (const at of [1, 2]) box.put(entry(at));
  await box.flush();
  assert.deepEqual(sent, ['c2']);
  assert.deepEqual(
    box.entries.map(({ clientId, error }) => [clientId, error]),
    [['c1', 'Too rude.']],
  );
  box.put({ ...entry(1), error: undefined });
  await box.flush();
  assert.deepEqual(sent, ['c2', 'c1']);
});

test('a conversation that is gone loses no message', async () => {
  const { box, sent, settled } = outbox([problem('gone', { passes: false, code: 'SESSION_NOT_FOUND' })]);
  box.put(entry(1));
  await box.flush();
  await settled;
  assert.deepEqual(sent, ['c1']);
});

test('two calls at once send nothing twice', async () => {
  const { box, sent } = outbox();
  for (const at of [1, 2]) box.put(entry(at));
  await Promise.all([box.flush(), box.flush()]);
  assert.deepEqual(sent, ['c1', 'c2']);
});

test('a later page finds what an earlier one left', async () => {
  const storage = memory();
  outbox([], storage).box.put(entry(1));
  const { box, sent } = outbox([], storage);
  await box.flush();
  assert.deepEqual(sent, ['c1']);
});
