// A user's state reaches the others live, and what was stored is restored for users who are away.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { generations, newerGeneration, olderGeneration } from './bed/generations.mjs';
import { heard } from './bed/waiting.mjs';

const bed = testBed();

for (const generation of generations) {
  test(`${generation.name}: others see a user's new state`, bounded, async () => {
    const alice = await bed.connected(generation, { uuid: fresh('alice') });
    const bob = await bed.connected(generation, { uuid: fresh('bob') });
    const change = heard(bob, '$.state', ({ user, state }) => user.uuid === alice.me.uuid && state?.mood === 'bright');
    alice.me.update({ mood: 'bright' });
    const { user } = await change;
    assert.equal(generation.stateOf(user, bob.global).mood, 'bright');
  });

  test(`${generation.name}: the state given at connect is set in the global chat`, bounded, async () => {
    const bob = await bed.connected(generation, { uuid: fresh('bob') });
    const uuid = fresh('alice');
    const change = heard(bob, '$.state', ({ user, state }) => user.uuid === uuid && state?.team === 'red');
    await bed.connected(generation, { uuid, state: { team: 'red' } });
    await change;
  });
}

test('chat-engine 0.10.13: state is set in one chat alone', bounded, async () => {
  const room = fresh('room');
  const alice = await bed.connected(newerGeneration, { uuid: fresh('alice') });
  const bob = await bed.connected(newerGeneration, { uuid: fresh('bob') });
  const [own, watched] = [await bed.chat(newerGeneration, alice, room), await bed.chat(newerGeneration, bob, room)];
  const change = heard(watched, '$.state', ({ user, state }) => user.uuid === alice.me.uuid && state?.seat === 7);
  alice.me.update({ seat: 7 }, own);
  const { user } = await change;
  assert.equal(user.state(watched).seat, 7);
  assert.equal(user.state(bob.global).seat, undefined);
});

test('a user nothing is stored of has the state {}', bounded, async () => {
  for (const generation of generations) {
    const who = await absentee(generation);
    const params = { user: who.uuid, ...identity(generation, who) };
    const { status, data } = await bed.endpoint.get('user_state', params);
    assert.deepEqual([status, data], [200, {}], generation.name);
  }
});

test('chat-engine 0.10.13: the stored state of an absent user is restored in a chat', bounded, async () => {
  const who = await absentee(newerGeneration);
  const bob = await bed.connected(newerGeneration, { uuid: fresh('bob') });
  const chat = (await bed.chat(newerGeneration, bob, fresh('room'))).restoreState();
  assert.equal((await store(newerGeneration, who, chat.channel, { oldState: true })).status, 200);

  const message = heard(chat, 'message', ({ sender }) => sender.uuid === who.uuid);
  await say(chat.channel, who);
  assert.deepEqual((await message).sender.state(chat), { oldState: true });
});

test('chat-engine 0.9.21: the stored state of an absent user comes with his message', bounded, async () => {
  const who = await absentee(olderGeneration);
  const bob = await bed.connected(olderGeneration, { uuid: fresh('bob') });
  assert.equal((await store(olderGeneration, who, namespace, { oldState: true })).status, 200);

  const message = heard(bob.global, 'message', ({ sender }) => sender.uuid === who.uuid);
  await say(namespace, who);
  assert.deepEqual((await message).sender.state, { oldState: true });
});

/** A user who has authorized himself but is not on the network, so that nobody has seen his state. */
async function absentee(generation) {
  const who = { uuid: fresh('ghost'), authKey: fresh('key') };
  for (const route of ['bootstrap', 'user_read', 'user_write', 'group']) {
    assert.equal((await bed.endpoint.post(route, identity(generation, who))).status, 200, route);
  }
  return who;
}

function store(generation, who, channel, data) {
  return bed.endpoint.post('user_state', { ...identity(generation, who), channel, data }, { channel });
}

async function say(channel, who) {
  const message = { event: 'message', data: { text: 'boo' }, sender: who.uuid, chatengineSDK: '0' };
  assert.equal((await bed.publishTo(channel, message, who)).status, 200);
}

function identity(generation, { uuid, authKey }) {
  return { uuid, authKey, [generation.namespaceKey]: namespace };
}
