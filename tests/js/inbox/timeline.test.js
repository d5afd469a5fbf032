/** The lines of a conversation: days, groups, notes and what is on its way. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { timeline } from '../../../flask_pocketping/static/inbox/timeline.js';

const at = (minute, day = 15) => new Date(2024, 0, day, 10, minute).toISOString();
const message = (seq, createdAt, more = {}) => ({
  id: `m${seq}`,
  sessionId: 's',
  seq,
  content: 'x',
  type: 'visitor',
  createdAt,
  status: 'sent',
  ...more,
});
const note = (key, time, more = {}) => ({ key, kind: 'asked', at: time, text: key, ...more });

function conversation(messages, notes = [], hasMore = false, gapAfter = null) {
  const byKey = new Map(notes.map((item) => [item.key, item]));
  return { messages, byId: new Map(), notes: byKey, hasMore, gapAfter, loaded: true };
}

const shape = (lines) => lines.map(({ kind, key }) => (kind === 'day' ? 'day' : key));

test('each day has its heading', () => {
  const lines = timeline(conversation([message(1, at(0, 14)), message(2, at(1, 14)), message(3, at(0, 15))]), []);
  assert.deepEqual(shape(lines), ['day', 'm1', 'm2', 'day', 'm3']);
});

test('messages of one author close together are a group', () => {
  const lines = timeline(
    conversation([message(1, at(0)), message(2, at(1)), message(3, at(20)), message(4, at(21), { type: 'operator' })]),
    [],
  );
  const groups = lines.filter(({ kind }) => kind === 'message').map(({ first, last }) => [first, last]);
  assert.deepEqual(groups, [
    [true, false],
    [false, true],
    [true, true],
    [true, true],
  ]);
});

test('two operators of one name are two groups', () => {
  const ana = (seq, operatorId) => message(seq, at(seq), { type: 'operator', operatorName: 'Ana', operatorId });
  const lines = timeline(conversation([ana(1, '7'), ana(2, '7'), ana(3, '8')]), []);
  assert.deepEqual(
    lines.filter(({ kind }) => kind === 'message').map(({ first }) => first),
    [true, false, true],
  );
});

test('an older part ends before the gap, with its notes and without what is on its way', () => {
  const messages = [message(1, at(0)), message(2, at(1)), message(9, at(30))];
  const part = conversation(messages, [note('n', at(1)), note('later', at(20))], false, 2);
  const pending = { key: 'k', sessionId: 's', content: 'x', attachments: [], state: 'sending', createdAt: at(40) };
  assert.deepEqual(shape(timeline(part, [pending])), ['day', 'm1', 'note n', 'm2']);
});

test('notes stand where they happened', () => {
  const lines = timeline(
    conversation([message(1, at(0)), message(2, at(10))], [note('n', at(5)), note('end', at(30))]),
    [],
  );
  assert.deepEqual(shape(lines), ['day', 'm1', 'note n', 'm2', 'note end']);
});

test('notes from before what is loaded wait until it is', () => {
  const shown = conversation([message(9, at(10))], [note('early', at(1))], true);
  assert.deepEqual(shape(timeline(shown, [])), ['day', 'm9']);
  assert.deepEqual(shape(timeline({ ...shown, hasMore: false }, [])), ['day', 'note early', 'm9']);
});

test('the same page twice in a row is told once', () => {
  const pages = [1, 2, 3].map((n) => note(`p${n}`, at(n), { kind: 'page', url: n === 3 ? '/b' : '/a' }));
  assert.deepEqual(shape(timeline(conversation([], pages), [])), ['day', 'note p1', 'note p3']);
});

test('what is on its way stands at the end, and hides the one that it became', () => {
  const pending = {
    key: 'k',
    sessionId: 's',
    content: 'x',
    attachments: [],
    state: 'sending',
    createdAt: at(30),
    arrivedAs: 'm2',
  };
  const lines = timeline(conversation([message(1, at(0)), message(2, at(20), { type: 'operator' })]), [pending]);
  assert.deepEqual(shape(lines), ['day', 'm1', 'k']);
});
