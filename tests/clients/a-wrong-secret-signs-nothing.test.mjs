// A request signed with another key than one of the keyset's is refused, each service in its own words.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { bounded, fresh } from './bed/bed.mjs';
import { refusal } from './bed/refused.mjs';
import { sdks } from './bed/sdks.mjs';

const bed = accessBed();
const asked = { ttl: 5, resources: { channels: { room: ['read'] } } };

for (const sdk of sdks) {
  test(`${sdk.name}: a wrong secret grants and revokes no token`, bounded, async () => {
    const token = await bed.root(sdk).call('grantToken', asked);
    const mallory = bed.root(sdk, { secretKey: 'sec-c-wrong' });
    for (const [verb, settings, source] of [['grantToken', asked, 'grant'], ['revokeToken', { token }, 'revoke']]) {
      const { status, body } = await refusal(mallory.call(verb, settings));
      const message = 'Client and server produced different signatures for the same inputs.';
      const error = { message: 'Invalid signature', source, details: [{ message, location: 'signature', locationType: 'query' }] };
      assert.deepEqual([status, body], [403, { error, service: 'Access Manager', status: 403 }]);
    }
    await bed.client(sdk, { uuid: 'alice', token }).call('history', { channel: 'room' });
  });

  test(`${sdk.name}: a wrong secret grants and audits nothing of the second version`, bounded, async () => {
    const mallory = bed.root(sdk, { secretKey: 'sec-c-wrong' });
    const body = { message: 'Signature does not match', error: true, service: 'Access Manager', status: 403 };
    for (const [verb, settings] of [['grant', { channels: ['room'], permissions: ['read'], ttl: 5 }], ['audit', { channel: 'room' }]]) {
      assert.deepEqual(await refusal(mallory.call(verb, settings)), { status: 403, body }, verb);
    }
  });

  test(`${sdk.name}: a wrong secret opens nothing, not even where a token would`, bounded, async () => {
    const room = fresh('room');
    const token = await bed.root(sdk).call('grantToken', { ttl: 5, resources: { channels: { [room]: ['read', 'write'] } } });
    const mallory = bed.client(sdk, { uuid: 'mallory', secretKey: 'sec-c-wrong', token });
    for (const [verb, settings] of [['publish', { message: 1 }], ['publishBody', { message: 1 }], ['history', {}]]) {
      assert.equal((await refusal(mallory.call(verb, { channel: room, ...settings }))).status, 403, verb);
    }
  });

  test(`${sdk.name}: the secret of one keyset signs nothing for another`, bounded, async () => {
    const { secret_key: secretKey } = await bed.makeKeyset();
    assert.equal((await refusal(bed.root(sdk, { secretKey }).call('grantToken', asked))).status, 403);
  });

  test(`${sdk.name}: a keyset that is not there is named as the fault`, bounded, async () => {
    const keyset = { ...bed.keyset, subscribe_key: 'sub-c-nowhere' };
    const root = bed.root(sdk, { keyset });
    const body = { message: 'Invalid Subscribe Key', error: true, service: 'Access Manager', status: 400 };
    for (const [verb, settings] of [['grantToken', asked], ['grant', { channels: ['room'], permissions: ['read'] }]]) {
      assert.deepEqual(await refusal(root.call(verb, settings)), { status: 400, body }, verb);
    }
  });
}
