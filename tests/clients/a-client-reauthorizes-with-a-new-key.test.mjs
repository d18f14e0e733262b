// A client that reauthorizes with another key keeps its chats and goes on talking under the new key.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, testBed } from './bed/bed.mjs';
import { generations, newerGeneration } from './bed/generations.mjs';
import { heard } from './bed/waiting.mjs';

const bed = testBed();

for (const generation of generations) {
  test(`${generation.name} talks and hears under the new key`, bounded, async () => {
    const uuid = fresh('alice');
    const alice = await bed.connected(generation, { uuid });
    const bob = await bed.connected(generation, { uuid: fresh('bob') });
    const authKey = fresh('new-key');
    await reauthorized(alice, authKey);

    assert.deepEqual(await bed.rights({ uuid, authKey }, alice.global.channel), { read: true, write: true });
    const atBob = heard(bob.global, 'message', ({ data }) => data.text === 'still here');
    alice.global.emit('message', { text: 'still here' });
    await atBob;
    const atAlice = heard(alice.global, 'message', ({ data }) => data.text === 'so I see');
    bob.global.emit('message', { text: 'so I see' });
    await atAlice;
  });

  test(`${generation.name} keeps its private chat under the new key`, bounded, async () => {
    const uuid = fresh('alice');
    const alice = await bed.connected(generation, { uuid });
    const chat = await bed.chat(generation, alice, fresh('vault'), { isPrivate: true });
    const authKey = fresh('new-key');
    const again = heard(chat, '$.connected');
    await reauthorized(alice, authKey);
    await again;
    assert.deepEqual(await bed.rights({ uuid, authKey }, chat.channel), { read: true, write: true });
  });
}

test('chat-engine 0.10.13 reauthorizes with a number', bounded, async () => {
  const uuid = fresh('alice');
  const alice = await bed.connected(newerGeneration, { uuid });
  const authKey = Date.now();
  await reauthorized(alice, authKey);
  assert.deepEqual(await bed.rights({ uuid, authKey }, alice.global.channel), { read: true, write: true });
});

async function reauthorized(engine, authKey) {
  const refusal = heard(engine, '$.error.auth').then(({ error }) => Promise.reject(error));
  const back = Promise.all([heard(engine.global, '$.connected'), heard(engine, '$.network.up.connected')]);
  refusal.catch(() => {});
  engine.reauthorize(authKey);
  await Promise.race([back, refusal]);
}
