// Each call of an SDK is allowed with the one permission it needs, and refused, in its service's words, with all the others.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { bounded, fresh } from './bed/bed.mjs';
import { refusal } from './bed/refused.mjs';
import { sdks } from './bed/sdks.mjs';

const bed = accessBed();

const all = {
  channels: ['read', 'write', 'manage', 'delete', 'get', 'update', 'join'],
  groups: ['read', 'manage'],
  uuids: ['get', 'update', 'delete'],
};

const needs = {
  publish: { channels: 'write' },
  publishBody: { channels: 'write' },
  publishPacked: { channels: 'write' },
  fire: { channels: 'write' },
  signal: { channels: 'write' },
  hereNow: { channels: 'read' },
  getState: { channels: 'read' },
  setState: { channels: 'read' },
  history: { channels: 'read' },
  fetchMessages: { channels: 'read' },
  fetchMessagesWithActions: { channels: 'read' },
  countMessages: { channels: 'read' },
  deleteMessages: { channels: 'delete' },
  addToGroup: { groups: 'manage' },
  removeFromGroup: { groups: 'manage' },
  listGroup: { groups: 'manage' },
  deleteGroup: { groups: 'manage' },
  getUuid: { uuids: 'get' },
  setUuid: { uuids: 'update' },
  removeUuid: { uuids: 'delete' },
  getChannel: { channels: 'get' },
  setChannel: { channels: 'update' },
  removeChannel: { channels: 'delete' },
  getMemberships: { uuids: 'get' },
  setMemberships: { uuids: 'update', channels: 'join' },
  removeMemberships: { uuids: 'update', channels: 'join' },
  getMembers: { channels: 'get' },
  setMembers: { channels: 'manage' },
  removeMembers: { channels: 'manage' },
  addAction: { channels: 'write' },
  removeAction: { channels: 'delete' },
  getActions: { channels: 'read' },
  addPush: { channels: 'read' },
  removePush: { channels: 'read' },
  listFiles: { channels: 'read' },
  sendFile: { channels: 'write' },
  downloadFile: { channels: 'read' },
  deleteFile: { channels: 'delete' },
};

const objects = /(Uuid|Channel|Memberships|Members)$/;
const actions = /Actions?$/;

for (const sdk of sdks) {
  for (const [verb, needed] of Object.entries(needs)) {
    const words = Object.entries(needed).map(([kind, permission]) => `${permission} on ${kind}`);
    test(`${sdk.name}: ${verb} needs ${words.join(' and ')}`, bounded, async () => {
      const { names, settings } = scene();
      const sufficient = Object.fromEntries(Object.entries(needed).map(([kind, word]) => [kind, { [names[kind]]: [word] }]));
      const alice = await bed.holder(sdk, 'alice', { resources: sufficient });
      await alice.call(verb, settings);

      for (const [kind, permission] of Object.entries(needed)) {
        const others = (each) => all[each].filter((word) => each !== kind || word !== permission);
        const resources = Object.fromEntries(Object.keys(all).map((each) => [each, { [names[each]]: others(each) }]));
        const bob = await bed.holder(sdk, 'bob', { resources });
        const seen = bed.seen.length;
        assert.deepEqual(await refusal(bob.call(verb, settings)), denial(verb, kind, names[kind]), kind);
        assert.equal(bed.seen.length, seen, 'a refused call reached the origin');
      }
    });
  }

  for (const verb of ['time', 'whereNow', 'listPush', 'removeDevice', 'listUuids', 'listChannels']) {
    test(`${sdk.name}: ${verb} needs no permission`, bounded, async () => {
      const { settings } = scene();
      await bed.client(sdk, { uuid: 'alice' }).call(verb, settings);
    });
  }

  test(`${sdk.name}: a request for all channels at once is the root's`, bounded, async () => {
    const { names, settings } = scene();
    const alice = await bed.holder(sdk, 'alice', { resources: { channels: { [names.channels]: ['read'] } } });
    assert.equal((await refusal(alice.call('hereNowEverywhere', settings))).status, 403);
    await bed.root(sdk).call('hereNowEverywhere', settings);
  });
}

function scene() {
  const [channel, group, uuid] = ['room', 'group', 'user'].map(fresh);
  const settings = { channel, channels: [channel], group, uuid, uuids: [uuid], message: { text: 'a/b' }, state: { mood: 'bright' } };
  return { names: { channels: channel, groups: group, uuids: uuid }, settings: { ...settings, timetoken: '17000000000000000' } };
}

function denial(verb, kind, name) {
  const service = (actions.test(verb) && verb !== 'fetchMessagesWithActions' && 'actions') || (objects.test(verb) && 'objects');
  if (service) {
    const message = 'Supplied authorization key does not have the permissions required to perform this operation.';
    return { status: 403, body: { status: 403, error: { message, source: service } } };
  }
  const payload = kind === 'groups' ? { 'channel-groups': [`:${name}`] } : { [kind]: [name] };
  return { status: 403, body: { message: 'Forbidden', payload, error: true, service: 'Access Manager', status: 403 } };
}
