/** How the inbox writes names, times and links, and which saved replies match a slash. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import {
  clockTime,
  dayLabel,
  duration,
  fileSize,
  initials,
  linkParts,
  nameOf,
  safeUrl,
  siteUrl,
  scaleTop,
  shortTime,
} from '../../../flask_pocketping/static/inbox/format.js';
import { fromHit, hitParts } from '../../../flask_pocketping/static/inbox/hits.js';
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

test('a path becomes a link only within the site', () => {
  const base = 'https://shop.example';
  assert.equal(siteUrl('/help/returns#size', base), 'https://shop.example/help/returns#size');
  assert.equal(siteUrl('https://example.com/a', base), 'https://example.com/a');
  for (const address of ['//evil.example', '/\\evil.example', '/\t/evil.example', 'javascript:alert(1)', undefined]) {
    assert.equal(siteUrl(address, base), undefined);
  }
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
  assert.equal(ago(120), clockTime(new Date(2024, 5, 20, 10, 0).toISOString()));
  assert.equal(ago(3 * 24 * 60), 'Mon');
  assert.equal(ago(30 * 24 * 60), 'May 21');
});

/** What the page writes in a browser with these languages. */
const inBrowser = (languages, expression) => {
  const module = new URL('../../../flask_pocketping/static/inbox/format.js', import.meta.url);
  const script = `
    Object.defineProperty(globalThis, 'navigator', { value: { languages: ${JSON.stringify(languages)} } });
    const format = await import('${module}');
    console.log(${expression});`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim();
};

test('times are those of the browser, if it speaks the language of the page', () => {
  const at = (languages) => inBrowser(languages, "format.clockTime('2024-06-20T19:05:00')").replace(/\s/g, ' ');
  assert.equal(at(['en-US']), '7:05 PM');
  assert.equal(at(['de-DE', 'en-GB', 'en-US']), '19:05');
  assert.equal(at(['de-DE']), '7:05 PM');
  assert.equal(at(['en_broken!']), '7:05 PM');
  assert.equal(inBrowser(['en-GB'], "format.clockTime('2024-06-20T00:05:00')"), '00:05');
  assert.equal(inBrowser(['en-GB'], "format.dayLabel('2024-06-03T19:05:00')"), '3 June 2024');
});

test('days close by have names', () => {
  const now = new Date(2024, 5, 20, 12, 0);
  assert.equal(dayLabel(new Date(2024, 5, 20, 1).toISOString(), now), 'Today');
  assert.equal(dayLabel(new Date(2024, 5, 19, 23).toISOString(), now), 'Yesterday');
});

test('what was searched for is found in any case, and special characters are themselves', () => {
  const hits = (text, query) =>
    hitParts(text, query)
      .filter(({ hit }) => hit)
      .map((part) => part.text);
  assert.deepEqual(hits('Tea, TEA and steam', 'tea'), ['Tea', 'TEA', 'tea']);
  assert.deepEqual(hits('100% (sure) [x] \\ a-b ä', '% (SURE) [x] \\ a-B Ä'), ['% (sure) [x] \\ a-b ä']);
  assert.deepEqual(hits('two\n  words', 'Two words'), ['two\n  words']);
  assert.deepEqual(hits('anything', ' '), []);
  assert.equal(
    hitParts('a bc a', 'a')
      .map(({ text }) => text)
      .join(''),
    'a bc a',
  );
});

test('what was found is near the beginning of its line', () => {
  assert.equal(fromHit('I ordered a celadon pot', 'celadon'), 'I ordered a celadon pot');
  assert.equal(fromHit('Good morning! I ordered a celadon pot', 'CELADON'), '…I ordered a celadon pot');
  assert.equal(fromHit(`${'x'.repeat(40)}tea`, 'tea'), `…${'x'.repeat(16)}tea`);
  assert.equal(fromHit('A line of the last message', 'celadon'), 'A line of the last message');
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
