// What was granted for a minute ends after a minute: the poll that is held then, and every call after it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { fresh } from './bed/bed.mjs';
import { refusal } from './bed/refused.mjs';
import { sdks } from './bed/sdks.mjs';
import { heard } from './bed/waiting.mjs';

const bed = accessBed();
const MINUTE = 60_000;

// A minute is the shortest time there is, so all of them wait side by side.
test('a minute is the shortest time of a grant', { concurrency: true, timeout: 2 * MINUTE }, async (minute) => {
  const cases = sdks.flatMap((sdk) => [
    minute.test(`${sdk.name}: a token of one minute expires`, () => expires(sdk, token)),
    minute.test(`${sdk.name}: a key that was granted one minute expires`, () => expires(sdk, key)),
  ]);
  await Promise.all(cases);
});

async function expires(sdk, credential) {
  const [room, root] = [fresh('room'), bed.root(sdk)];
  const asked = Date.now();
  const { shown, refused, after = async () => {} } = await credential(root, room);
  const alice = bed.client(sdk, { uuid: fresh('alice'), ...shown });
  const ears = alice.listen({ channels: [room] });
  await heard(ears, 'connected');
  const ended = new Promise((resolve) => ears.once('denied', () => resolve(Date.now())));
  await new Promise((resolve) => setTimeout(resolve, asked + MINUTE - 5_000 - Date.now()));
  await alice.call('publish', { channel: room, message: 1 });

  const lasted = (await ended) - asked;
  // The minute begins with the second in which the grant was asked for.
  assert.ok(lasted > MINUTE - 1_500 && lasted < MINUTE + 3_000, `${lasted} ms`);
  assert.deepEqual(await refusal(alice.call('publish', { channel: room, message: 1 })), { status: 403, body: refused });
  await after();
}

async function token(root, room) {
  const token = await root.call('grantToken', { ttl: 1, resources: { channels: { [room]: ['read', 'write'] } } });
  const after = async () => {
    const details = [{ message: 'Token is expired.', location: 'token', locationType: 'path' }];
    const error = { message: 'Invalid token', source: 'revoke', details };
    const body = { error, service: 'Access Manager', status: 400 };
    assert.deepEqual(await refusal(root.call('revokeToken', { token })), { status: 400, body });
  };
  const refused = { error: true, status: 403, service: 'Access Manager', message: 'Token is expired.' };
  return { shown: { token }, refused, after };
}

async function key(root, room) {
  const authKey = fresh('key');
  await root.call('grant', { channels: [room], keys: [authKey], permissions: ['read', 'write'], ttl: 1 });
  const refused = { message: 'Forbidden', payload: { channels: [room] }, error: true, service: 'Access Manager', status: 403 };
  return { shown: { authKey }, refused };
}
