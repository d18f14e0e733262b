// Grants of the second version: to a key, a channel, a group or everyone; `a.*` opens the names below `a.`; the last grant counts.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { bounded, fresh } from './bed/bed.mjs';
import { refusal } from './bed/refused.mjs';
import { sdks } from './bed/sdks.mjs';
import { heard } from './bed/waiting.mjs';

const bed = accessBed();
const forWhile = { ttl: 5 };

for (const sdk of sdks) {
  test(`${sdk.name}: a wildcard opens every name below it, and nothing beside it`, bounded, async () => {
    const [head, key] = [fresh('team'), fresh('key')];
    await bed.root(sdk).call('grant', { channels: [`${head}.*`], keys: [key], permissions: ['read', 'write'], ...forWhile });
    const alice = bed.client(sdk, { uuid: 'alice', authKey: key });
    for (const channel of [`${head}.b`, `${head}.b.c`, `${head}.*`, `${head}.`]) await alice.call('publish', { channel, message: 1 });
    for (const channel of [head, `${head}b`, `a${head}.b`, `x.${head}.b`, '*']) assert.ok(await refused(alice, channel), channel);
    const ears = alice.listen({ channels: [`${head}.b`] });
    await heard(ears, 'connected');
  });

  test(`${sdk.name}: what is no wildcard is a name like another`, bounded, async () => {
    const [head, key] = [fresh('team'), fresh('key')];
    const channels = [`${head}.b.*`, '*', `${head}*`];
    await bed.root(sdk).call('grant', { channels, keys: [key], permissions: ['write'], ...forWhile });
    const alice = bed.client(sdk, { uuid: 'alice', authKey: key });
    for (const channel of channels) await alice.call('publish', { channel, message: 1 });
    for (const channel of [`${head}.b.c`, `${head}b`, fresh('other')]) assert.ok(await refused(alice, channel), channel);
  });

  test(`${sdk.name}: a grant without a key opens the channel to everyone`, bounded, async () => {
    const channel = fresh('square');
    const [passer, holder] = [bed.client(sdk, { uuid: 'bob' }), bed.client(sdk, { uuid: 'alice', authKey: fresh('key') })];
    assert.ok(await refused(passer, channel));
    await bed.root(sdk).call('grant', { channels: [channel], permissions: ['read', 'write'], ...forWhile });
    for (const client of [passer, holder]) await client.call('publish', { channel, message: 1 });
  });

  test(`${sdk.name}: a grant of nothing in particular opens the keyset`, bounded, async () => {
    const keyset = await bed.makeKeyset();
    const passer = bed.client(sdk, { keyset, uuid: 'bob' });
    assert.ok(await refused(passer, 'anywhere'));
    await bed.root(sdk, { keyset }).call('grant', { permissions: ['write'], ...forWhile });
    await passer.call('publish', { channel: 'anywhere', message: 1 });
    assert.equal((await refusal(passer.call('history', { channel: 'anywhere' }))).status, 403);
    assert.ok(await refused(bed.client(sdk, { uuid: 'bob' }), fresh('room')), 'another keyset was opened');
  });

  test(`${sdk.name}: a grant opens a group, and users by a key`, bounded, async () => {
    const [group, uuid, key] = ['group', 'user', 'key'].map(fresh);
    const root = bed.root(sdk);
    await root.call('grant', { groups: [group], keys: [key], permissions: ['read', 'manage'], ...forWhile });
    await root.call('grant', { uuids: [uuid], keys: [key], permissions: ['get', 'update'], ...forWhile });
    const alice = bed.client(sdk, { uuid: 'alice', authKey: key });
    await alice.call('addToGroup', { group, channels: ['room'] });
    await heard(alice.listen({ groups: [group] }), 'connected');
    for (const verb of ['getUuid', 'setUuid']) await alice.call(verb, { uuid });
    assert.equal((await refusal(alice.call('removeUuid', { uuid }))).status, 403);
    assert.equal((await refusal(alice.call('getUuid', { uuid: fresh('user') }))).status, 403);
  });

  test(`${sdk.name}: the last grant replaces the one before`, bounded, async () => {
    const [channel, key] = [fresh('room'), fresh('key')];
    const root = bed.root(sdk);
    const alice = bed.client(sdk, { uuid: 'alice', authKey: key });
    await root.call('grant', { channels: [channel], keys: [key], permissions: ['read', 'write'], ...forWhile });
    await alice.call('publish', { channel, message: 1 });
    await root.call('grant', { channels: [channel], keys: [key], permissions: ['read'], ...forWhile });
    await alice.call('history', { channel });
    assert.ok(await refused(alice, channel));
  });

  test(`${sdk.name}: granting nothing revokes, and ends the poll that the grant held open`, bounded, async () => {
    const [channel, key] = [fresh('room'), fresh('key')];
    const root = bed.root(sdk);
    await root.call('grant', { channels: [channel], keys: [key], permissions: ['read', 'write'], ...forWhile });
    const alice = bed.client(sdk, { uuid: fresh('alice'), authKey: key });
    const ears = alice.listen({ channels: [channel] });
    await heard(ears, 'connected');
    const denial = heard(ears, 'denied');
    await root.call('grant', { channels: [channel], keys: [key], permissions: [], ...forWhile });
    await denial;
    assert.ok(await refused(alice, channel));
  });

  test(`${sdk.name}: revoking a key does nothing where the channel itself is open`, bounded, async () => {
    const [channel, key] = [fresh('room'), fresh('key')];
    const root = bed.root(sdk);
    await root.call('grant', { channels: [channel], permissions: ['write'], ...forWhile });
    await root.call('grant', { channels: [channel], keys: [key], permissions: [], ...forWhile });
    await bed.client(sdk, { uuid: 'alice', authKey: key }).call('publish', { channel, message: 1 });
  });
}

async function refused(client, channel) {
  const { status, body } = await refusal(client.call('publish', { channel, message: 1 }));
  assert.deepEqual(body, { message: 'Forbidden', payload: { channels: [channel] }, error: true, service: 'Access Manager', status: 403 });
  return status === 403;
}
