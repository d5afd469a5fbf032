/** How the inbox writes names, times and links, and which saved replies match a slash. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  duration,
  fileSize,
  initials,
  linkParts,
  nameOf,
  safeUrl,
  scaleTop,
  shortTime,
} from '../../../flask_pocketping/static/inbox/format.js';
import { matchingReplies, slashWord } from '../../../flask_pocketping/static/inbox/savedReplies.js';

test('a visitor is called by the best that is known', () => {
  const visitorId = 'vis_01abcd';
  assert.equal(nameOf({ visitorId, identity: { name: 'Ana', email: 'a@b.example', verified: false } }), 'Ana');
  assert.equal(nameOf({ visitorId, identity: { email: 'a@b.example', verified: false } }), 'a@b.example');
  assert.equal(nameOf({ visitorId, identity: null }), 'Visitor ABCD');
});

test('initials come from words of any script', () => {
  assert.equal(initials('Maria da Silva'), 'MS');
  assert.equal(initials('  <script>  '), 'S');
  assert.equal(initials('محمد'), 'م');
  assert.equal(initials('…'), '?');
});

test('threat_12: only addresses of the web become links', () => {
  assert.equal(safeUrl('javascript:alert(1)'), undefined);
  assert.equal(safeUrl(' java\nscript:alert(1)'), undefined);
  assert.equal(safeUrl('data:text/html,x'), undefined);
  assert.equal(safeUrl('https://example.com/a'), 'https://example.com/a');
  assert.deepEqual(
    linkParts('javascript:alert(1) is text').filter(({ href }) => href),
    [],
  );
});

test('an address ends where the sentence goes on', () => {
  const links = (text) => linkParts(text).flatMap(({ href }) => href ?? []);
  assert.deepEqual(links('See https://example.com/a, then (https://example.com/b).'), [
    'https://example.com/a',
    'https://example.com/b',
  ]);
  assert.deepEqual(links('https://example.com/wiki/Tea_(drink)'), ['https://example.com/wiki/Tea_(drink)']);
  assert.equal(
    linkParts('See https://example.com/a, then.')
      .map(({ text }) => text)
      .join(''),
    'See https://example.com/a, then.',
  );
});

test('times are as short as a list needs them', () => {
  const now = new Date(2024, 5, 20, 12, 0);
  const ago = (minutes) => shortTime(new Date(now.getTime() - minutes * 60_000).toISOString(), now);
  assert.equal(ago(0.5), 'now');
  assert.equal(ago(5), '5m');
  assert.equal(ago(120), '10:00');
  assert.equal(ago(3 * 24 * 60), 'Mon');
  assert.equal(ago(30 * 24 * 60), 'May 21');
});

test('sizes and spans', () => {
  assert.deepEqual([999, 1500, 999_600, 2_340_000].map(fileSize), ['999 B', '2 kB', '1.0 MB', '2.3 MB']);
  assert.deepEqual([4, 90, 3600, 5400, 90_000].map(duration), ['4 s', '2 min', '1 h', '1 h 30 min', '1 d 1 h']);
});

test('the top of a chart is round and even', () => {
  assert.deepEqual([0, 1, 3, 8, 11, 45, 99].map(scaleTop), [2, 2, 4, 10, 20, 50, 100]);
});

test('a slash is one only at the beginning of a word', () => {
  assert.equal(slashWord('/ship', 5), 'ship');
  assert.equal(slashWord('Hello /', 7), '');
  assert.equal(slashWord('and/or', 6), undefined);
  assert.equal(slashWord('/ship it', 8), undefined);
});

test('the best saved reply comes first', () => {
  const replies = ['reshipping', 'shipping', 'hours'].map((shortcut) => ({
    id: shortcut,
    shortcut,
    content: 'We ship.',
  }));
  assert.deepEqual(
    matchingReplies(replies, 'ship').map(({ shortcut }) => shortcut),
    ['shipping', 'reshipping', 'hours'],
  );
});
