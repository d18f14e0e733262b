// A revoked token counts no longer: its held polls end at once, its next call is refused, and it can still be read.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { bounded, fresh } from './bed/bed.mjs';
import { refusal } from './bed/refused.mjs';
import { sdks } from './bed/sdks.mjs';
import { heard } from './bed/waiting.mjs';

const bed = accessBed();

/** The most that may pass between a revocation and the client's learning of it; Usher's own share is tested with a finer clock. */
const AT_ONCE = 2_000;

const revoked = { status: 403, body: { error: true, status: 403, service: 'Access Manager', message: 'Token is revoked' } };

for (const sdk of sdks) {
  test(`${sdk.name}: a held poll ends when its token is revoked, and the next call is refused`, bounded, async () => {
    const room = fresh('room');
    const root = bed.root(sdk);
    const token = await root.call('grantToken', { ttl: 5, resources: { channels: { [room]: ['read', 'write'] } } });
    const alice = bed.client(sdk, { uuid: fresh('alice'), token });
    const ears = alice.listen({ channels: [room] });
    await heard(ears, 'connected');

    const denial = heard(ears, 'denied');
    await root.call('revokeToken', { token });
    const told = Date.now();
    await denial;
    assert.ok(Date.now() - told < AT_ONCE, `${Date.now() - told} ms`);

    const settings = { channel: room, message: 1, timetoken: '17000000000000000' };
    for (const verb of ['publish', 'history', 'getChannel', 'addAction']) {
      assert.deepEqual(await refusal(alice.call(verb, settings)), revoked, verb);
    }
    await root.call('publish', { channel: room, message: 1 });
  });

  test(`${sdk.name}: a revoked token can be read, and revoked again`, bounded, async () => {
    const root = bed.root(sdk);
    const token = await root.call('grantToken', { ttl: 5, resources: { channels: { room: ['read'] } } });
    await root.call('revokeToken', { token });
    await root.call('revokeToken', { token });
    const { resources } = await root.call('parseToken', { token });
    assert.deepEqual(resources.channels, { room: ['read'] });
  });

  test(`${sdk.name}: other tokens of the same user stay`, bounded, async () => {
    const room = fresh('room');
    const root = bed.root(sdk);
    const asked = { ttl: 5, uuid: 'alice', resources: { channels: { [room]: ['read'] } } };
    const [first, second] = [await root.call('grantToken', asked), await root.call('grantToken', { ...asked, meta: { n: 2 } })];
    await root.call('revokeToken', { token: first });
    await bed.client(sdk, { uuid: 'alice', token: second }).call('history', { channel: room });
    assert.deepEqual(await refusal(bed.client(sdk, { uuid: 'alice', token: first }).call('history', { channel: room })), revoked);
  });

  test(`${sdk.name}: what is no token of the keyset cannot be revoked`, bounded, async () => {
    const root = bed.root(sdk);
    const other = await bed.makeKeyset();
    const foreign = await bed.root(sdk, { keyset: other }).call('grantToken', { ttl: 5, resources: { channels: { room: ['read'] } } });
    for (const token of ['nonsense', 'unescaped-_.ABCabc123 escaped;,/?:@&=+$#', 'p0F2AkF0', foreign]) {
      const { status, body } = await refusal(root.call('revokeToken', { token }));
      const [{ message }] = body.error.details;
      assert.ok(message.length > 0, token);
      const error = { message: 'Invalid token', source: 'revoke', details: [{ message, location: 'token', locationType: 'path' }] };
      assert.deepEqual([status, body], [400, { error, service: 'Access Manager', status: 400 }], token);
    }
  });

  test(`${sdk.name}: a keyset whose revocation is off keeps its tokens`, bounded, async () => {
    const keyset = await bed.makeKeyset({ revocation: 'off' });
    const root = bed.root(sdk, { keyset });
    const token = await root.call('grantToken', { ttl: 5, resources: { channels: { room: ['read'] } } });
    const details = [{ message: 'Token revocation is disabled.', location: 'subscribe-key', locationType: 'path' }];
    const error = { message: 'Feature disabled', source: 'revoke', details };
    const body = { error, service: 'Access Manager', status: 400 };
    assert.deepEqual(await refusal(root.call('revokeToken', { token })), { status: 400, body });
    await bed.client(sdk, { keyset, uuid: 'alice', token }).call('history', { channel: 'room' });
  });
}
