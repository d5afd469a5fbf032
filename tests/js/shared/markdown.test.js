/** How the widget and the inbox read Markdown, and that hostile texts cost no time and lose no letter. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parse, toPlain } from '../../../flask_pocketping/static/shared/markdown.js';

/** The tree in short: a tag with its parts in brackets, and the address or the number of it. */
const short = (parts) =>
  parts
    .map((part) => {
      if (typeof part === 'string') return part;
      const more = part.href ? ` ${part.href}` : part.value === undefined ? '' : ` ${part.value}`;
      return `<${part.tag}${more}:${short(part.parts)}>`;
    })
    .join('');

const SHOWN = [
  // Emphasis
  ['a **bold** word', 'a <strong:bold> word'],
  ['*italic*, ~~gone~~.', '<em:italic>, <s:gone>.'],
  ['**bold *and italic***', '<strong:bold <em:and italic>>'],
  ['*italic **and bold***', '<em:italic <strong:and bold>>'],
  ['***both***', '<strong:<em:both>>'],
  ['这是**重点**内容', '这是<strong:重点>内容'],
  ['**شحن مجاني** اليوم', '<strong:شحن مجاني> اليوم'],
  ['"**quoted**"', '"<strong:quoted>"'],
  ['**two\nlines**', '<strong:two\nlines>'],
  // As written
  ['snake_case_words and __init__', 'snake_case_words and __init__'],
  ['2*3*4, 2 * 3 * 4 and 2**3**4', '2*3*4, 2 * 3 * 4 and 2**3**4'],
  ['a*b* c and a *b*c', 'a*b* c and a *b*c'],
  ['**unclosed', '**unclosed'],
  ['unopened**', 'unopened**'],
  ['**a *b', '**a *b'],
  ['**a *b** c*', '<strong:a *b> c*'],
  ['**a\n\nb**', '**a\n\nb**'],
  ['****', '****'],
  ['** **', '** **'],
  ['~one~', '~one~'],
  ['five ***** stars', 'five ***** stars'],
  ['<b>no</b> &amp; <script>x</script>', '<b>no</b> &amp; <script>x</script>'],
  ['# no heading', '# no heading'],
  ['line\n\n\nline', 'line\n\n\nline'],
  ['\\*not\\* \\`this\\`', '*not* `this`'],
  ['C:\\temp\\new', 'C:\\temp\\new'],
  // Code
  ['run `a * b * c` now', 'run <code:a * b * c> now'],
  ['```x``` and ``y``', '<code:x> and <code:y>'],
  ['a ` b', 'a ` b'],
  ['`a\nb`', '`a\nb`'],
  ['Try:\n```python\nx = 1\n\n**y**\n```\nDone', 'Try:<pre:<code:x = 1\n\n**y**>>Done'],
  ['```\nunclosed', '```\nunclosed'],
  ['``` and\nmore\n```', '``` and\nmore\n```'],
  // Lists
  ['- a\n- b', '<ul:<li:a><li:b>>'],
  ['* a\n* *b*', '<ul:<li:a><li:<em:b>>>'],
  ['Steps:\n1. one\n2. two\nThen', 'Steps:<ol:<li 1:one><li 2:two>>Then'],
  ['1. one\n\n2. two', '<ol:<li 1:one><li 2:two>>'],
  ['0. zero', '<ol:<li 0:zero>>'],
  ['2026. A year', '<ol:<li 2026:A year>>'],
  ['- a\n  more\n  - b\n- c', '<ul:<li:a\n  more<ul:<li:b>>><li:c>>'],
  ['1. a\n   - b\n   - c\n2. d', '<ol:<li 1:a<ul:<li:b><li:c>>><li 2:d>>'],
  ['1. a\n   ```\n   x\n   ```\n2. b', '<ol:<li 1:a<pre:<code:x>>><li 2:b>>'],
  ['- a\n1. b', '<ul:<li:a>><ol:<li 1:b>>'],
  ['-5 degrees\n- \n1.5 kg', '-5 degrees\n- \n1.5 kg'],
  // Links
  ['[docs](https://a.example/b_c_d)', '<a https://a.example/b_c_d:docs>'],
  ['[**docs**](http://a.example)', '<a http://a.example:<strong:docs>>'],
  ['[docs](/help/a_b_c#d)', '<a /help/a_b_c#d:docs>'],
  ['[a](//a.example/x) [b](/\\a.example/x)', '[a](//a.example/x) [b](/\\a.example/x)'],
  ['[a](/) [b](help) [c](./help)', '[a](/) [b](help) [c](./help)'],
  ['[Tea](https://a.example/Tea_(drink))', '<a https://a.example/Tea_(drink):Tea>'],
  ['**[a](https://a.example)**', '<strong:<a https://a.example:a>>'],
  ['**https://a.example/x**', '<strong:https://a.example/x>'],
  ['https://a.example/*a*_b_~~c~~ *d*', 'https://a.example/*a*_b_~~c~~ <em:d>'],
  ['[x](javascript:alert(1))', '[x](javascript:alert(1))'],
  ['[x](data:text/html,y)', '[x](data:text/html,y)'],
  ['[x](//a.example)', '[x](//a.example)'],
  ['[x](java\nscript:alert(1))', '[x](java\nscript:alert(1))'],
  ['[x](https://a.example" onclick="y)', '[x](https://a.example" onclick="y)'],
  ['[a [b](https://b.example)](https://c.example)', '[a <a https://b.example:b>](https://c.example)'],
  ['[]()', '[]()'],
];

for (const [text, shown] of SHOWN) {
  test(`shows ${JSON.stringify(text)}`, () => assert.equal(short(parse(text)), shown));
}

test('a text is in one part, so that an address in it is one too', () => {
  assert.deepEqual(parse('*see https://a.example/b~c_d **now'), ['*see https://a.example/b~c_d **now']);
});

test('a line that stands for a message has no marks', () => {
  assert.equal(toPlain('**Yes**, see [the page](https://a.example) and `x`'), 'Yes, see the page and x');
  assert.equal(toPlain('Steps:\n1. *one*\n2. two\n   - three\nDone'), 'Steps:\n1. one\n2. two\n• three\nDone');
  assert.equal(toPlain('```\nx\n```\nafter'), 'x\nafter');
  assert.equal(toPlain('2*3*4 snake_case **open'), '2*3*4 snake_case **open');
});

/** How deep a tree is. */
const depth = (parts) =>
  parts.reduce((most, part) => Math.max(most, typeof part === 'string' ? 0 : 1 + depth(part.parts)), 0);

const BOMBS = {
  stars: (n) => '*a '.repeat(n),
  'closing stars': (n) => 'a* '.repeat(n),
  'one run': (n) => '*'.repeat(n),
  'runs that grow': (n) => Array.from({ length: Math.sqrt(n) }, (_, at) => '*'.repeat(at)).join('a'),
  'nested emphasis': (n) => '**a *b ~~c '.repeat(n) + 'c~~ b* a**'.repeat(n),
  backticks: (n) => '`'.repeat(n),
  'runs of backticks': (n) => '``` `` ` '.repeat(n),
  brackets: (n) => '['.repeat(n) + ']'.repeat(n),
  'open links': (n) => '[a](https://a'.repeat(n),
  'links with brackets': (n) => `[a](https://a${'(a)'.repeat(n)}`,
  'addresses of dots': (n) => `https://${'.'.repeat(n)} `.repeat(2) + 'http://'.repeat(n),
  fences: (n) => '```x\n'.repeat(n),
  'closed fences': (n) => '```\n'.repeat(n),
  'lists in lists': (n) => Array.from({ length: n / 100 }, (_, at) => `${' '.repeat((2 * at) % 500)}- a`).join('\n'),
  'line ends': (n) => `a${'\n'.repeat(n)}`,
  'line ends and blanks': (n) => `a${'\n   '.repeat(n)}b`,
  blanks: (n) => `a${' '.repeat(n)}b\n${' '.repeat(n)}- c`,
  numbers: (n) => '1. '.repeat(n),
  'one word': (n) => 'a'.repeat(n),
};

for (const [name, make] of Object.entries(BOMBS)) {
  test(`reads ${name} in linear time and not deeply`, () => {
    const text = make(100_000);
    const before = performance.now();
    const tree = parse(text);
    // Quadratic time would be minutes.
    assert.ok(performance.now() - before < 3000, `${performance.now() - before} ms`);
    assert.ok(depth(tree) <= 12, `${depth(tree)} levels`);
    assert.ok(toPlain(text).length <= text.length + 10);
  });
}

test('no letter is ever lost', () => {
  let seed = 7;
  const random = (/** @type {number} */ most) => (seed = (seed * 48271) % 2147483647) % most;
  const bits = [
    '*',
    '**',
    '***',
    '~~',
    '`',
    '\n```\n',
    '\n',
    '\n\n',
    '- ',
    '\n- ',
    '\n  - ',
    '\n1. ',
    ' ',
    '[',
    '](https://x/',
    ')',
  ];
  const letters = (/** @type {string} */ text) => text.replace(/[^a-f]/g, '');
  const shown = (parts) =>
    parts.map((part) => (typeof part === 'string' ? part : shown(part.parts) + (part.href ?? ''))).join('');
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: 14 }, () => (random(2) ? bits[random(bits.length)] : 'abcdef'[random(6)])).join(
      '',
    );
    assert.equal(letters(shown(parse(text))), letters(text), JSON.stringify(text));
  }
});
