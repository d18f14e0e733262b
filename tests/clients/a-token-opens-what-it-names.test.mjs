// A v3 token says what it was granted for, opens just that, for just the user it names, on just its own keyset.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { bounded, fresh } from './bed/bed.mjs';
import { refusal } from './bed/refused.mjs';
import { sdks } from './bed/sdks.mjs';
import { heard } from './bed/waiting.mjs';

const bed = accessBed();

const everything = {
  channels: ['delete', 'get', 'join', 'manage', 'read', 'update', 'write'],
  groups: ['manage', 'read'],
  uuids: ['delete', 'get', 'update'],
};

const grants = {
  'every permission on names and patterns': {
    ttl: 60,
    uuid: 'test-authorized-uuid',
    meta: { role: 'host', level: 7, vip: true },
    resources: {
      channels: { 'channel-1': everything.channels },
      groups: { 'channel_group-1': everything.groups },
      uuids: { 'uuid-1': everything.uuids },
    },
    patterns: {
      channels: { '^channel-\\S*$': everything.channels },
      groups: { '^:channel_group-\\S*$': everything.groups },
      uuids: { '^uuid-\\S*$': everything.uuids },
    },
  },
  'one channel for anybody': { ttl: 1, resources: { channels: { 'room ü/~': ['read'] } } },
  'several names with different permissions': {
    ttl: 43_200,
    resources: { channels: { a: ['read'], b: ['read', 'write'], 'c-pnpres': ['read'] }, uuids: { u: ['get'] } },
  },
};

for (const sdk of sdks) {
  for (const [what, asked] of Object.entries(grants)) {
    test(`${sdk.name}: a token for ${what} is read back as it was asked for`, bounded, async () => {
      const before = Math.floor(Date.now() / 1000);
      const token = await bed.root(sdk).call('grantToken', asked);
      for (const reader of sdks) {
        const { timestamp, ...parsed } = await bed.client(reader, { uuid: 'reader' }).call('parseToken', { token });
        assert.ok(timestamp >= before && timestamp <= before + 5, `${timestamp}`);
        assert.deepEqual(parsed, { version: 2, ttl: asked.ttl, uuid: asked.uuid ?? null, ...permits(asked), meta: asked.meta ?? {} });
      }
    });
  }

  test(`${sdk.name}: who holds a token speaks and listens where it says`, bounded, async () => {
    const [room, elsewhere] = [fresh('room'), fresh('elsewhere')];
    const alice = await bed.holder(sdk, fresh('alice'), { resources: { channels: { [room]: ['read', 'write'] } } });
    const ears = alice.listen({ channels: [room] });
    await heard(ears, 'connected');

    const text = fresh('hello');
    const arrival = heard(ears, 'message', ({ message }) => message.text === text);
    await alice.call('publish', { channel: room, message: { text } });
    assert.equal((await arrival).channel, room);

    assert.deepEqual(await refusal(alice.call('publish', { channel: elsewhere, message: 1 })), forbidden({ channels: [elsewhere] }));
  });

  test(`${sdk.name}: who listens where the token says nothing is told so`, bounded, async () => {
    const alice = await bed.holder(sdk, fresh('alice'), { resources: { channels: { [fresh('room')]: ['read'] } } });
    await heard(alice.listen({ channels: [fresh('elsewhere')] }), 'denied');
  });

  test(`${sdk.name}: who holds no token, or no right, is refused`, bounded, async () => {
    const room = fresh('room');
    const reader = await bed.holder(sdk, 'alice', { resources: { channels: { [room]: ['read'] } } });
    await reader.call('history', { channel: room });
    for (const client of [reader, bed.client(sdk, { uuid: 'alice' }), bed.client(sdk, { uuid: 'alice', authKey: 'a-key' })]) {
      assert.deepEqual(await refusal(client.call('publish', { channel: room, message: 1 })), forbidden({ channels: [room] }));
    }
  });

  test(`${sdk.name}: one name that is missing denies the whole call, and it alone is named`, bounded, async () => {
    const [open, shut, group] = ['open', 'shut', 'group'].map(fresh);
    const alice = await bed.holder(sdk, 'alice', { resources: { channels: { [open]: ['read'] } } });
    assert.deepEqual(await refusal(alice.call('hereNow', { channels: [open, shut] })), forbidden({ channels: [shut] }));
    const asked = { channels: [open], groups: [group] };
    assert.deepEqual(await refusal(alice.call('hereNow', asked)), forbidden({ 'channel-groups': [`:${group}`] }));
    const both = { channels: [shut, open], groups: [group] };
    const payload = { channels: [shut], 'channel-groups': [`:${group}`] };
    assert.deepEqual(await refusal(alice.call('hereNow', both)), forbidden(payload));
  });

  test(`${sdk.name}: a group is heard with read on the group alone`, bounded, async () => {
    const [room, group] = [fresh('room'), fresh('group')];
    const root = bed.root(sdk);
    await root.call('addToGroup', { group, channels: [room] });
    const alice = await bed.holder(sdk, fresh('alice'), { resources: { groups: { [group]: ['read'] } } });
    const ears = alice.listen({ groups: [group] });
    await heard(ears, 'connected');
    const arrival = heard(ears, 'message');
    await root.call('publish', { channel: room, message: { text: 'all of you' } });
    assert.equal((await arrival).channel, room);
    assert.equal((await refusal(alice.call('listGroup', { group }))).status, 403);
  });

  test(`${sdk.name}: the presence of a channel has its own entry`, bounded, async () => {
    const room = fresh('room');
    const alice = await bed.holder(sdk, fresh('alice'), { resources: { channels: { [room]: ['read'] } } });
    await heard(alice.listen({ channels: [room, `${room}-pnpres`] }), 'denied');
    const watch = { [room]: ['read'], [`${room}-pnpres`]: ['read'] };
    const warden = await bed.holder(sdk, fresh('warden'), { resources: { channels: watch } });
    await heard(warden.listen({ channels: [room, `${room}-pnpres`] }), 'connected');
  });

  test(`${sdk.name}: a token with a user opens nothing for another`, bounded, async () => {
    const room = fresh('room');
    const token = await bed.root(sdk).call('grantToken', { ttl: 5, uuid: 'alice', resources: { channels: { [room]: ['read'] } } });
    await bed.client(sdk, { uuid: 'alice', token }).call('history', { channel: room });
    const { status, body } = await refusal(bed.client(sdk, { uuid: 'mallory', token }).call('history', { channel: room }));
    assert.deepEqual([status, body.message, body.service], [403, 'Forbidden', 'Access Manager']);
  });

  test(`${sdk.name}: a token opens nothing on another keyset`, bounded, async () => {
    const room = fresh('room');
    const token = await bed.root(sdk).call('grantToken', { ttl: 5, resources: { channels: { [room]: ['read', 'write'] } } });
    const stranger = bed.client(sdk, { keyset: await bed.makeKeyset(), uuid: 'alice', token });
    for (const verb of ['history', 'publish']) {
      assert.equal((await refusal(stranger.call(verb, { channel: room, message: 1 }))).status, 403, verb);
    }
  });

  test(`${sdk.name}: a token that was tampered with opens nothing`, bounded, async () => {
    const room = fresh('room');
    const token = await bed.root(sdk).call('grantToken', { ttl: 5, resources: { channels: { [room]: ['read'] } } });
    const bytes = Buffer.from(token, 'base64url');
    bytes[bytes.indexOf(room) + room.length] = 3;
    const forged = bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
    const mallory = bed.client(sdk, { uuid: 'mallory', token: forged });
    const { resources } = await mallory.call('parseToken', { token: forged });
    assert.deepEqual(resources.channels[room], ['read', 'write']);
    assert.equal((await refusal(mallory.call('publish', { channel: room, message: 1 }))).status, 403);
    assert.equal((await refusal(mallory.call('history', { channel: room }))).status, 403);
  });
}

test('a token granted with one SDK serves the other', bounded, async () => {
  for (const [granter, user] of [sdks, sdks.toReversed()]) {
    const room = fresh('room');
    const token = await bed.root(granter).call('grantToken', { ttl: 5, resources: { channels: { [room]: ['read', 'write'] } } });
    const alice = bed.client(user, { uuid: 'alice', token });
    await alice.call('publish', { channel: room, message: 'hello' });
    assert.deepEqual(await alice.call('history', { channel: room }), ['hello']);
  }
});

test('pubnub 10.8.0 for Python: a token for a category opens the list of it', bounded, async () => {
  const [python] = sdks.filter(({ name }) => name.includes('Python'));
  const keyset = await bed.makeKeyset({ metadata_lists: 'granted' });
  const token = await bed.root(python, { keyset }).call('grantToken', { ttl: 5, categories: ['channels'] });
  const alice = bed.client(python, { keyset, uuid: 'alice', token });
  await alice.call('listChannels');
  assert.equal((await refusal(alice.call('listUuids'))).status, 403);
});

function forbidden(payload) {
  return { status: 403, body: { message: 'Forbidden', payload, error: true, service: 'Access Manager', status: 403 } };
}

function permits({ resources = {}, patterns = {} }) {
  const full = ({ channels = {}, groups = {}, uuids = {} }) => ({ channels, groups, uuids });
  return { resources: full(resources), patterns: full(patterns) };
}
