// A client with the secret key signs every request, and its signature opens everything, whatever the names and messages hold.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { bounded, fresh } from './bed/bed.mjs';
import { sdks } from './bed/sdks.mjs';
import { heard } from './bed/waiting.mjs';

const bed = accessBed();

const verbs = `time publish publishBody publishPacked fire signal hereNow hereNowEverywhere whereNow getState setState history
  fetchMessages fetchMessagesWithActions countMessages deleteMessages addToGroup removeFromGroup listGroup deleteGroup getUuid setUuid
  removeUuid listUuids getChannel setChannel removeChannel listChannels getMemberships setMemberships removeMemberships getMembers
  setMembers removeMembers addAction removeAction getActions addPush removePush listPush removeDevice listFiles sendFile downloadFile
  deleteFile`.split(/\s+/);

for (const sdk of sdks) {
  for (const verb of verbs) {
    test(`${sdk.name}: the root may ${verb}`, bounded, async () => {
      const [channel, group, uuid] = ['room', 'group', 'user'].map(fresh);
      const names = { channel, channels: [channel], group, groups: [group], uuid, uuids: [uuid] };
      await bed.root(sdk).call(verb, { ...names, message: { text: 'hi' }, state: { mood: 'bright' }, timetoken: '17000000000000000' });
    });
  }

  test(`${sdk.name}: the root listens, and hears`, bounded, async () => {
    const room = fresh('room');
    const root = bed.root(sdk, { uuid: fresh('server') });
    const ears = root.listen({ channels: [room, `${room}-pnpres`] });
    await heard(ears, 'connected');
    const arrival = heard(ears, 'message');
    await root.call('publish', { channel: room, message: { text: 'hello' } });
    assert.deepEqual((await arrival).message, { text: 'hello' });
  });

  test(`${sdk.name}: signatures hold for names and messages of every kind`, bounded, async () => {
    const names = ['room one', 'räume-ß', "a~b!c*d'(e)", 'a+b&c=d%e', 'q?r#s@t:u;v$', '🚪'];
    const messages = ['plain', 'a/b//c', 'ä ö ~ ! * \' ( ) + & = ? # %', { nested: [1, null, true, { deep: '"quoted" \\ back' }] }, '🚪'];
    const root = bed.root(sdk, { uuid: "server /~!*'()+" });
    for (const name of names) {
      const channel = `${name} ${fresh('x')}`;
      for (const [index, message] of messages.entries()) {
        await root.call(['publish', 'publishBody', 'publishPacked'][index % 3], { channel, message });
      }
      assert.deepEqual(await root.call('history', { channel }), messages, name);
      await root.call('setState', { channels: [channel], state: { mood: 'a~b (c)*' } });
    }
  });
}

test('a request reaches the origin as it was sent, byte for byte', bounded, async () => {
  const [python] = sdks.filter(({ name }) => name.includes('Python'));
  const channel = fresh("odd ~!*'()");
  const { subscribe_key: sub, publish_key: pub } = bed.keyset;
  await bed.root(python).call('publish', { channel, message: 'a~/b' });
  const { target } = bed.seen.at(-1);
  // This client leaves tildes as they are, which the other one encodes.
  const name = encodeURIComponent(channel).replace(/[!*'()]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  assert.ok(target.startsWith(`/publish/${pub}/${sub}/0/${name}/0/%22a~%2Fb%22?`), target);
});
