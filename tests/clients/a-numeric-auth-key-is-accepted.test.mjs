// The 0.10 client may be given a number as its auth key; 0.9 clients and the original function insist on a string.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { newerGeneration as generation } from './bed/generations.mjs';
import { heard } from './bed/waiting.mjs';

const bed = testBed();

test('chat-engine 0.10.13 connects and talks with a number', bounded, async () => {
  const who = { uuid: fresh('alice'), authKey: 1234567890123 };
  const alice = await bed.connected(generation, who);
  assert.deepEqual(await bed.rights(who, alice.global.channel), { read: true, write: true });
  const own = heard(alice.global, 'message', ({ data }) => data.text === 'one two');
  alice.global.emit('message', { text: 'one two' });
  await own;
});

test('in the `global` dialect a number is refused', bounded, async () => {
  const body = { uuid: fresh('alice'), authKey: 1234567890123, global: namespace };
  const { status, text } = await bed.endpoint.post('bootstrap', body);
  assert.deepEqual([status, text], [401, 'authKey must be a string']);
});

test('anything else than a string or a number is refused in both dialects', bounded, async () => {
  for (const key of ['namespace', 'global']) {
    for (const authKey of [undefined, null, true, ['key'], { key: 1 }]) {
      const body = { uuid: fresh('alice'), authKey, [key]: namespace };
      const { status, text } = await bed.endpoint.post('bootstrap', body);
      assert.deepEqual([status, text], [401, 'authKey must be a string'], `${key}: ${JSON.stringify(authKey)}`);
    }
  }
});

test('an empty key, or one that names several, is refused', bounded, async () => {
  for (const key of ['namespace', 'global']) {
    for (const authKey of ['', 'mine,yours', '*']) {
      const { status } = await bed.endpoint.post('bootstrap', { uuid: fresh('alice'), authKey, [key]: namespace });
      assert.ok(status >= 400 && status < 500, `${key}: \`${authKey}\`: ${status}`);
    }
  }
});
