/** What the operator is told when a request fails. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Refused, Unreachable } from '../../../flask_pocketping/static/inbox/api.js';
import { errorText } from '../../../flask_pocketping/static/inbox/errors.js';
import { texts } from '../../../flask_pocketping/static/inbox/texts.js';

const message = 'session: No such thing.';

test('each code has a text, and what has none a general one', () => {
  const refused = (status, code) => errorText(new Refused(status, { code, message }));
  assert.equal(refused(404, 'SESSION_NOT_FOUND'), texts.errors.SESSION_NOT_FOUND);
  assert.equal(refused(404, 'SAVED_REPLY_NOT_FOUND'), texts.errors.SAVED_REPLY_NOT_FOUND);
  assert.equal(refused(413, ''), texts.errors.PAYLOAD_TOO_LARGE);
  assert.equal(refused(500, 'INTERNAL_ERROR'), texts.actionFailed);
  assert.equal(errorText(new Unreachable()), texts.errors.unreachable);
  assert.equal(errorText(new TypeError(message)), texts.actionFailed);
});

test('names of fields are not shown, and an app that refuses something says why in its own words', () => {
  const invalid = (details) => errorText(new Refused(400, { code: 'INVALID_REQUEST', message, details }));
  assert.equal(invalid({ content: ['Too long.'] }), texts.actionFailed);
  assert.equal(invalid({}), message);
});
