import assert from 'node:assert/strict';
import { test } from 'node:test';

import { projectOf } from '../../../flask_pocketping/static/inbox/router.js';

test('an address may name a project before the conversation', () => {
  for (const [path, project] of [
    ['/inbox', ''],
    ['/inbox/', ''],
    ['/inbox/sess_1', ''],
    ['/inbox/statistics', ''],
    ['/inbox/proj_a1', 'proj_a1'],
    ['/inbox/proj_a1/sess_1', 'proj_a1'],
    ['/inbox/proj_%3Cb%3E', ''],
  ])
    for (const base of ['', '/chat']) assert.equal(projectOf(base + path, base), project, base + path);
});
