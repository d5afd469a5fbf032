/** What comes back from the server, or from something on the way that only looks like it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { request } from '../../../flask_pocketping/static/widget/src/request.js';

test("an answer that is not whole or not the server's is no answer, and the same may be asked again", async (t) => {
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

test('the console says once that a page of HTML came, and not for a fault that will pass', async (t) => {
  const said = t.mock.method(console, 'error', () => {});
  const answers = (type, status, url) =>
    t.mock.method(globalThis, 'fetch', async () => {
      const response = new Response('<h1>Sign in</h1>', { status, headers: { 'Content-Type': type } });
      return Object.defineProperties(response, { redirected: { value: Boolean(url) }, url: { value: url ?? '' } });
    });
  for (const [type, status] of [
    ['text/html', 502],
    ['text/html', 413],
    ['text/plain', 200],
    ['text/html', 429],
  ]) {
    answers(type, status);
    await assert.rejects(request('POST', '/connect', {}));
  }
  assert.equal(said.mock.callCount(), 0);
  for (const path of ['/identity', '/presence']) {
    answers('text/html; charset=utf-8', 200, 'https://shop.example/sign-in?next=1');
    await assert.rejects(request('GET', path, { sessionId: 'sess_secret' }));
  }
  assert.equal(said.mock.callCount(), 1);
  const [line] = said.mock.calls[0].arguments;
  assert.match(line, /^PocketPing: GET \/identity was answered by the HTML page https:\/\/shop\.example\/sign-in /);
  assert.match(line, /blueprint "pocketping"/);
});

test('a request that is never answered ends', async (t) => {
  t.mock.method(AbortSignal, 'timeout', () => AbortSignal.abort());
  t.mock.method(
    globalThis,
    'fetch',
    (address, { signal }) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) reject(signal.reason);
      }),
  );
  await assert.rejects(request('POST', '/message', {}), { passes: true });
});
