/** Every language says everything. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { languages } from '../../../flask_pocketping/static/widget/src/languages.js';
import { names, textsFor } from '../../../flask_pocketping/static/widget/src/texts.js';

const english = textsFor('en');

for (const [code, texts] of Object.entries(languages)) {
  test(`${code} has a line for each text, with the same places to fill in`, () => {
    const lines = texts.split('\n');
    assert.equal(lines.length, names.split(' ').length);
    Object.entries(english).forEach(([name, text], at) => {
      assert.ok(lines[at].trim(), name);
      assert.deepEqual(lines[at].match(/\{\w+\}/g), text.match(/\{\w+\}/g), name);
    });
  });
}

test('a country is no other language, an unknown language is English, and the words of the page win', () => {
  assert.equal(textsFor('de-AT').send, 'Senden');
  assert.equal(textsFor('cs').send, 'Send');
  assert.equal(textsFor('en').thanks, 'Thank you!');
  assert.equal(textsFor('de', { send: 'Ab damit' }).send, 'Ab damit');
});
