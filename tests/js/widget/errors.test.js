/** What the visitor is told when a request fails. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { explain } from '../../../flask_pocketping/static/widget/src/errors.js';
import { RequestError } from '../../../flask_pocketping/static/widget/src/request.js';
import { textsFor } from '../../../flask_pocketping/static/widget/src/texts.js';

const texts = textsFor('de');
const refused = (status, answer) => explain(new RequestError(status, answer), texts);

test("the server's own words are never shown", () => {
  const message = 'Some English.';
  assert.equal(refused(429, { code: 'RATE_LIMITED', message }), texts.slow);
  assert.equal(refused(426, { code: 'UPGRADE_REQUIRED', message }), texts.reload);
  assert.equal(refused(503, { code: 'UNAVAILABLE', message }), texts.wrong);
  assert.equal(refused(404, { code: 'MESSAGE_NOT_FOUND', message }), texts.wrong);
  assert.equal(refused(400, { code: 'INVALID_REQUEST', message, details: { content: [message] } }), texts.wrong);
  assert.equal(refused(0), texts.wrong);
  assert.equal(explain(new TypeError(message), texts), texts.wrong);
});

test('bad input is told by its field', () => {
  const invalid = (field) => refused(400, { code: 'INVALID_REQUEST', message: '', details: { [field]: ['Bad.'] } });
  assert.equal(invalid('email'), texts.address);
  assert.equal(invalid('phone'), texts.number);
  assert.equal(invalid('size'), texts.empty);
});

test('a large file is told also when a proxy refuses it with a page of its own', () => {
  assert.equal(refused(413), texts.large);
});

test('an app that refuses a message says why in its own words', () => {
  assert.equal(refused(400, { code: 'INVALID_REQUEST', message: 'Bitte freundlich.' }), 'Bitte freundlich.');
});
