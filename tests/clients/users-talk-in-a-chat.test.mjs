// Users hear each other in the global chat and in public chats, within a generation and across both.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { generations, newerGeneration, olderGeneration } from './bed/generations.mjs';
import { heard } from './bed/waiting.mjs';

const bed = testBed();

for (const generation of generations) {
  test(`${generation.name}: two users hear each other in the global chat`, bounded, async () => {
    const alice = await bed.connected(generation, { uuid: fresh('alice') });
    const bob = await bed.connected(generation, { uuid: fresh('bob') });
    await exchange(alice.global, bob.global);
    await exchange(bob.global, alice.global);
  });

  test(`${generation.name}: the sender learns that the network took the message`, bounded, async () => {
    const alice = await bed.connected(generation, { uuid: fresh('alice') });
    const sent = await heard(alice.global.emit('message', { text: fresh('hello') }), '$.emitted');
    assert.match(String(sent.timetoken), /^\d{17}$/);
  });

  test(`${generation.name}: users of a public chat see who comes online`, bounded, async () => {
    const room = fresh('room');
    const alice = await bed.connected(generation, { uuid: fresh('alice') });
    const bob = await bed.connected(generation, { uuid: fresh('bob') });
    const chat = await bed.chat(generation, alice, room);
    const arrival = heard(chat, '$.online.*', ({ user }) => user.uuid === bob.me.uuid);
    await bed.chat(generation, bob, room);
    await arrival;
    assert.ok(bob.me.uuid in chat.users);
  });

  test(`${generation.name}: what was said in a public chat is found by a search`, bounded, async () => {
    const room = fresh('room');
    const alice = await bed.connected(generation, { uuid: fresh('alice') });
    const said = await bed.chat(generation, alice, room);
    await heard(said.emit('message', { text: 'remember me' }), '$.emitted');
    const bob = await bed.connected(generation, { uuid: fresh('bob') });
    const chat = await bed.chat(generation, bob, room);
    const found = await heard(chat.search({ event: 'message', limit: 5 }), 'message');
    assert.equal(found.data.text, 'remember me');
    assert.equal(found.sender.uuid, alice.me.uuid);
  });
}

test('both generations meet in a public chat', bounded, async () => {
  const room = fresh('room');
  const alice = await bed.connected(newerGeneration, { uuid: fresh('alice') });
  const bob = await bed.connected(olderGeneration, { uuid: fresh('bob') });
  const [here, there] = [await bed.chat(newerGeneration, alice, room), await bed.chat(olderGeneration, bob, room)];
  assert.equal(here.channel, `${namespace}#chat#public.#${room}`);
  assert.equal(there.channel, here.channel);
  await exchange(here, there);
  await exchange(there, here);
});

async function exchange(from, to) {
  const text = fresh('hello');
  const hearing = heard(to, 'message', ({ data }) => data.text === text);
  from.emit('message', { text });
  const { sender } = await hearing;
  assert.equal(sender.uuid, from.chatEngine.me.uuid);
}
