// Another user's feed can be read but not written; another user's direct chat can be written but not read.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { generations } from './bed/generations.mjs';
import { heard } from './bed/waiting.mjs';

const bed = testBed();

for (const generation of generations) {
  test(`${generation.name}: a follower hears the owner's feed`, bounded, async () => {
    const { alice, bob } = await pair(generation);
    const feed = new bob.User(alice.me.uuid).feed;
    feed.connect();
    await heard(feed, '$.connected');
    const post = heard(feed, 'news', ({ data }) => data.text === 'hear ye');
    alice.me.feed.emit('news', { text: 'hear ye' });
    assert.equal((await post).sender.uuid, alice.me.uuid);
  });

  test(`${generation.name}: a follower cannot post in the owner's feed`, bounded, async () => {
    const { alice, bob, who } = await pair(generation);
    const feed = new bob.User(alice.me.uuid).feed;
    feed.connect();
    await heard(feed, '$.connected');
    assert.deepEqual(await bed.rights(who, feed.channel), { read: true, write: false });
    const forged = feed.emit('news', { text: 'fake' });
    const { statusCode } = await heard(forged, '$.error.emitter');
    assert.equal(statusCode, 403);
  });

  test(`${generation.name}: a whisper reaches the owner of the direct chat`, bounded, async () => {
    const { alice, bob } = await pair(generation);
    const direct = new bob.User(alice.me.uuid).direct;
    direct.connect();
    await heard(direct, '$.connected');
    const whisper = heard(alice.me.direct, 'whisper', ({ data }) => data.text === 'psst');
    direct.emit('whisper', { text: 'psst' });
    assert.equal((await whisper).sender.uuid, bob.me.uuid);
  });

  test(`${generation.name}: whoever writes to a direct chat cannot read it`, bounded, async () => {
    const { alice, bob, who } = await pair(generation);
    const direct = new bob.User(alice.me.uuid).direct;
    direct.connect();
    await heard(direct, '$.connected');
    assert.deepEqual(await bed.rights(who, direct.channel), { read: false, write: true });
    assert.equal((await bed.historyOf(direct.channel, who)).status, 403);
    assert.equal((await bed.subscribeTo(direct.channel, who)).status, 403);
  });

  test(`${generation.name}: connecting to a direct chat does not put it into the writer's groups`, bounded, async () => {
    const { alice, bob } = await pair(generation);
    const direct = new bob.User(alice.me.uuid).direct;
    direct.connect();
    await heard(direct, '$.connected');
    for (const group of ['rooms', 'system', 'custom']) {
      const channels = await bed.admin.channelsOf(`${namespace}#${bob.me.uuid}#${group}`);
      assert.ok(!channels.includes(direct.channel), group);
    }
  });

  test(`${generation.name}: another user's own channels are refused`, bounded, async () => {
    const { alice, who } = await pair(generation);
    const channel = `${namespace}#user#${alice.me.uuid}#me.#sync`;
    const chat = { channel, group: 'system', private: false, meta: {} };
    const body = { uuid: who.uuid, authKey: who.authKey, [generation.namespaceKey]: namespace, chat };
    assert.equal((await bed.endpoint.post('grant', body)).status, 403);
    assert.deepEqual(await bed.rights(who, channel), { read: false, write: false });
  });
}

async function pair(generation) {
  const alice = await bed.connected(generation, { uuid: fresh('alice') });
  const who = { uuid: fresh('bob'), authKey: fresh('key') };
  const bob = await bed.connected(generation, who);
  return { alice, bob, who };
}
