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
  assert.equal(refused(426, { code: 'UPGRADE_REQUIRED', message }), texts.reload);
  assert.equal(refused(503, { code: 'UNAVAILABLE', message }), texts.wrong);
  assert.equal(refused(404, { code: 'MESSAGE_NOT_FOUND', message }), texts.wrong);
  assert.equal(refused(400, { code: 'INVALID_REQUEST', message, details: { content: [message] } }), texts.wrong);
  assert.equal(refused(0), texts.wrong);
  assert.equal(explain(new TypeError(message), texts), texts.wrong);
});

test('who is too fast is told when it goes on', () => {
  const error = new RequestError(429, { code: 'RATE_LIMITED', message: 'Some English.' }, 90);
  const [, hours, minutes] = /^Das war zu schnell\. Weiter um (\d+):(\d+):\d+\.$/.exec(explain(error, texts, 'de'));
  const away =
    (Number(hours) * 60 + Number(minutes) - new Date().getHours() * 60 - new Date().getMinutes() + 1440) % 1440;
  assert.ok([1, 2].includes(away), away);
});

test('a file that is refused before it is sent is told how large it may be', () => {
  const most = (bytes) => explain(new RequestError(413, { most: bytes }), texts, 'de');
  assert.equal(most(10 * 2 ** 20), 'Höchstens 10 MB je Datei.');
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
