// With `enableMeta` the meta of a chat is stored by whoever opens it first and read by those who may enter.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { generations } from './bed/generations.mjs';
import { eventually, heard } from './bed/waiting.mjs';

const bed = testBed();

for (const generation of generations) {
  test(`${generation.name}: the second to open a chat reads the first one's meta`, bounded, async () => {
    const room = fresh('room');
    const alice = await bed.connected(generation, { uuid: fresh('alice'), enableMeta: true });
    const chat = await bed.chat(generation, alice, room, { meta: { topic: 'tea' } });
    await stored(generation, alice, chat.channel);
    const bob = await bed.connected(generation, { uuid: fresh('bob'), enableMeta: true });
    const entered = await bed.chat(generation, bob, room);
    assert.deepEqual(entered.meta, { topic: 'tea' });
  });

  test(`${generation.name}: an update is read by the next`, bounded, async () => {
    const room = fresh('room');
    const alice = await bed.connected(generation, { uuid: fresh('alice'), enableMeta: true });
    const chat = await bed.chat(generation, alice, room, { meta: { topic: 'tea' } });
    await stored(generation, alice, chat.channel);
    chat.update({ mood: 'calm' });
    await stored(generation, alice, chat.channel, ({ meta }) => meta.mood === 'calm');
    const bob = await bed.connected(generation, { uuid: fresh('bob'), enableMeta: true });
    assert.deepEqual((await bed.chat(generation, bob, room)).meta, { topic: 'tea', mood: 'calm' });
  });

  test(`${generation.name}: a chat without meta answers found: false and chat: null`, bounded, async () => {
    const who = { uuid: fresh('alice'), authKey: fresh('key') };
    await bed.connected(generation, who);
    const { status, data } = await metaOf(generation, who, `${namespace}#chat#public.#${fresh('room')}`);
    assert.deepEqual([status, data], [200, { found: false, chat: null }]);
  });

  test(`${generation.name}: the meta of a private chat is neither read nor written by the uninvited`, bounded, async () => {
    const alice = await bed.connected(generation, { uuid: fresh('alice'), enableMeta: true });
    const chat = await bed.chat(generation, alice, fresh('vault'), { isPrivate: true, meta: { topic: 'plans' } });
    await stored(generation, alice, chat.channel);
    const who = { uuid: fresh('mallory'), authKey: fresh('key') };
    await bed.connected(generation, who);
    const forged = { channel: chat.channel, group: 'custom', private: false, meta: { topic: 'forged' } };
    assert.equal((await metaOf(generation, who, chat.channel)).status, 403);
    assert.equal((await bed.endpoint.post('chat', { ...identity(generation, who), chat: forged })).status, 403);
    await stored(generation, alice, chat.channel, ({ meta }) => meta.topic === 'plans');
  });
}

test('a failed update surfaces at the client', bounded, async () => {
  const [newer] = generations;
  const alice = await bed.connected(newer, { uuid: fresh('alice') });
  const chat = await bed.chat(newer, alice, fresh('room'));
  chat.group = 'no such group';
  chat.update({ topic: 'tea' });
  const { error } = await heard(chat, '$.error.meta');
  assert.deepEqual([error.response.status, error.response.data], [401, 'Must supply a chat group.']);
});

/** Resolves once the chat's record is stored and `accepts`; the client does not tell when its POST is done. */
function stored(generation, engine, channel, accepts = () => true) {
  const who = { uuid: engine.me.uuid, authKey: engine.pnConfig.authKey };
  return eventually(async () => {
    const { data } = await metaOf(generation, who, channel);
    return data?.found && accepts(data.chat);
  });
}

function metaOf(generation, who, channel) {
  return bed.endpoint.get('chat', { channel, ...identity(generation, who) });
}

function identity(generation, { uuid, authKey }) {
  return { uuid, authKey, [generation.namespaceKey]: namespace };
}
