// A pattern of a token is a regular expression that is searched for in a name; exact entries and patterns add up.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { bounded, fresh } from './bed/bed.mjs';
import { refusal } from './bed/refused.mjs';
import { sdks } from './bed/sdks.mjs';
import { heard } from './bed/waiting.mjs';

const bed = accessBed();

const channels = [
  { pattern: '^room-[0-9]+$', opens: ['room-1', 'room-22'], leaves: ['room-', 'room-x', 'a-room-1', 'room-1-pnpres'] },
  { pattern: 'room', opens: ['room', 'my-room-7', 'room-pnpres'], leaves: ['roo m', 'Room'] },
  { pattern: '(?i:^room)', opens: ['Room-1', 'ROOMS'], leaves: ['a-Room'] },
  { pattern: '^a.*', opens: ['a', 'a.b', 'ab', 'a.b.c'], leaves: ['ba'] },
  { pattern: '^a\\.[^.]+$', opens: ['a.b'], leaves: ['a.b.c', 'ab'] },
  { pattern: '^(?:tea|coffee)-\\S*$', opens: ['tea-', 'coffee-2'], leaves: ['tea', 'tea- 1', 'milk-1'] },
  { pattern: '^übung-.$', opens: ['übung-1', 'übung-ß'], leaves: ['ubung-1'] },
];

for (const sdk of sdks) {
  for (const { pattern, opens, leaves } of channels) {
    test(`${sdk.name}: the channel pattern ${pattern} opens ${opens.join(', ')}`, bounded, async () => {
      const alice = await bed.holder(sdk, 'alice', { patterns: { channels: { [pattern]: ['read'] } } });
      for (const channel of opens) await alice.call('fetchMessages', { channels: [channel] });
      for (const channel of leaves) {
        assert.equal((await refusal(alice.call('fetchMessages', { channels: [channel] }))).status, 403, channel);
      }
    });
  }

  test(`${sdk.name}: a group pattern may name the colon before a group's name, or leave it out`, bounded, async () => {
    for (const pattern of ['^:cg-\\S*$', '^cg-\\S*$']) {
      const alice = await bed.holder(sdk, fresh('alice'), { patterns: { groups: { [pattern]: ['read', 'manage'] } } });
      await alice.call('addToGroup', { group: 'cg-1', channels: ['room'] });
      await heard(alice.listen({ groups: ['cg-1'] }), 'connected');
      assert.equal((await refusal(alice.call('listGroup', { group: 'a-cg-1' }))).status, 403, pattern);
    }
  });

  test(`${sdk.name}: a uuid pattern opens the metadata of the users it matches`, bounded, async () => {
    const alice = await bed.holder(sdk, 'alice', { patterns: { uuids: { '^team-': ['get'] } } });
    await alice.call('getUuid', { uuid: 'team-7' });
    for (const [verb, uuid] of [['getUuid', 'alice'], ['setUuid', 'team-7']]) {
      assert.equal((await refusal(alice.call(verb, { uuid }))).status, 403, `${verb} ${uuid}`);
    }
  });

  test(`${sdk.name}: exact entries and every matching pattern add up`, bounded, async () => {
    const resources = { channels: { 'room-1': ['read'] } };
    const patterns = { channels: { '^room-': ['write'], '1$': ['delete'] } };
    const alice = await bed.holder(sdk, 'alice', { resources, patterns });
    const [verbs, one, two] = [['history', 'publish', 'deleteMessages'], 'room-1', 'room-2'];
    for (const verb of verbs) await alice.call(verb, { channel: one, message: 1 });
    await alice.call('publish', { channel: two, message: 1 });
    for (const verb of ['history', 'deleteMessages']) assert.equal((await refusal(alice.call(verb, { channel: two }))).status, 403, verb);
  });

  test(`${sdk.name}: a pattern on channels opens no group and no user`, bounded, async () => {
    const alice = await bed.holder(sdk, 'alice', { patterns: { channels: { '.*': ['read', 'manage', 'get', 'update'] } } });
    assert.equal((await refusal(alice.call('listGroup', { group: 'cg-1' }))).status, 403);
    assert.equal((await refusal(alice.call('getUuid', { uuid: 'u-1' }))).status, 403);
  });
}
