// With `enableGlobal: false` (0.10 only) a client is ready without a global chat and still talks in others.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { newerGeneration as generation } from './bed/generations.mjs';
import { heard } from './bed/waiting.mjs';

const bed = testBed();
const alone = { enableGlobal: false };

test('it is ready and in no global chat', bounded, async () => {
  const uuid = fresh('alice');
  const alice = await bed.connected(generation, { uuid, ...alone });
  assert.equal(alice.global, false);
  const channels = await bed.admin.channelsOf(`${namespace}#${uuid}#custom`);
  assert.deepEqual(channels, []);
});

test('two such clients talk in a public chat', bounded, async () => {
  const room = fresh('room');
  const alice = await bed.connected(generation, { uuid: fresh('alice'), ...alone });
  const bob = await bed.connected(generation, { uuid: fresh('bob'), ...alone });
  const [from, to] = [await bed.chat(generation, alice, room), await bed.chat(generation, bob, room)];
  const hearing = heard(to, 'message', ({ data }) => data.text === 'hello');
  from.emit('message', { text: 'hello' });
  assert.equal((await hearing).sender.uuid, alice.me.uuid);
});
