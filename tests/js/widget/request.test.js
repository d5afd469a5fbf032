/** What comes back from the server, or from something on the way that only looks like it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { request } from '../../../flask_pocketping/widget/request.js';

test('an answer that is not whole or not the server\'s is no answer, and the same may be asked again', async (t) => {
  for (const body of ['<h1>Please sign in to this network</h1>', '{"messageId": "msg_', '']) {
    t.mock.method(globalThis, 'fetch', async () => new Response(body));
    await assert.rejects(request('POST', '/message', {}), { passes: true });
  }
});

test('what the server refuses says so, with JSON or without', async (t) => {
  t.mock.method(globalThis, 'fetch', async () => Response.json({ message: 'Too rude.' }, { status: 400 }));
  await assert.rejects(request('POST', '/message', {}), { message: 'Too rude.', passes: false });
  t.mock.method(globalThis, 'fetch', async () => new Response('Bad gateway', { status: 502 }));
  await assert.rejects(request('POST', '/message', {}), { passes: true });
});

test('what is too large is known as that, also from a proxy that says so with a page', async (t) => {
  for (const body of ['<h1>413 Request Entity Too Large</h1>', '{"code": "PAYLOAD_TOO_LARGE"}']) {
    t.mock.method(globalThis, 'fetch', async () => new Response(body, { status: 413 }));
    await assert.rejects(request('POST', '/message', {}), { code: 'PAYLOAD_TOO_LARGE', passes: false });
  }
});

test('a request that is never answered ends', async (t) => {
  t.mock.method(AbortSignal, 'timeout', () => AbortSignal.abort());
  t.mock.method(globalThis, 'fetch', (address, { signal }) => new Promise((resolve, reject) => {
    if (signal?.aborted) reject(signal.reason);
  }));
  await assert.rejects(request('POST', '/message', {}), { passes: true });
});
