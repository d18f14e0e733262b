// What an administrator changes reaches the SDKs at once: a secret key that is rotated or dropped, a user or a keyset that is cut off.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { bounded } from './bed/bed.mjs';
import { refusal } from './bed/refused.mjs';
import { sdks } from './bed/sdks.mjs';
import { heard } from './bed/waiting.mjs';

const bed = accessBed();
const asked = { ttl: 5, resources: { channels: { room: ['read', 'write'] } } };

for (const sdk of sdks) {
  test(`${sdk.name}: a rotated secret signs until it is dropped, and its tokens go with it`, bounded, async () => {
    const keyset = await bed.makeKeyset();
    const former = bed.root(sdk, { keyset });
    const old = await former.call('grantToken', asked);
    const { secret_key: secretKey } = await bed.ask(keyset, '/keys/rotate', {});
    const root = bed.root(sdk, { keyset, secretKey });
    const tokens = [old, await former.call('grantToken', asked), await root.call('grantToken', asked)];
    for (const token of tokens) await bed.client(sdk, { keyset, uuid: 'alice', token }).call('history', { channel: 'room' });

    const alice = bed.client(sdk, { keyset, uuid: 'alice', token: old });
    const ears = alice.listen({ channels: ['room'] });
    await heard(ears, 'connected');
    const denial = heard(ears, 'denied');
    await bed.ask(keyset, '/keys/1/retire', { force: true });
    await denial;
    assert.equal((await refusal(alice.call('history', { channel: 'room' }))).status, 403);
    assert.equal((await refusal(former.call('grantToken', asked))).status, 403);
    await bed.client(sdk, { keyset, uuid: 'alice', token: tokens[2] }).call('history', { channel: 'room' });
  });

  for (const [what, cut] of [['a user', { uuid: 'alice' }], ['every token', { all: true }]]) {
    test(`${sdk.name}: cutting off ${what} ends held polls, and a later token counts`, bounded, async () => {
      const keyset = await bed.makeKeyset();
      const root = bed.root(sdk, { keyset });
      const granted = () => root.call('grantToken', { ...asked, uuid: 'alice' });
      const alice = bed.client(sdk, { keyset, uuid: 'alice', token: await granted() });
      const ears = alice.listen({ channels: ['room'] });
      await heard(ears, 'connected');
      const denial = heard(ears, 'denied');
      await bed.ask(keyset, '/tokens/revoke', cut);
      await denial;
      const { status, body } = await refusal(alice.call('publish', { channel: 'room', message: 1 }));
      assert.deepEqual([status, body], [403, { error: true, status: 403, service: 'Access Manager', message: 'Token is revoked' }]);
      const again = bed.client(sdk, { keyset, uuid: 'alice', token: await granted() });
      await again.call('publish', { channel: 'room', message: 1 });
    });
  }

  test(`${sdk.name}: a keyset whose metadata lists are granted shows them to nobody else`, bounded, async () => {
    const keyset = await bed.makeKeyset({ metadata_lists: 'granted', global_presence: 'open' });
    const root = bed.root(sdk, { keyset });
    const alice = bed.client(sdk, { keyset, uuid: 'alice', token: await root.call('grantToken', asked) });
    for (const verb of ['listUuids', 'listChannels']) {
      assert.equal((await refusal(alice.call(verb))).status, 403, verb);
      await root.call(verb);
    }
    await alice.call('hereNowEverywhere');
  });
}
