// Grant and audit of the second version answer in the shape that belongs to what was asked for.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { bounded } from './bed/bed.mjs';
import { refusal } from './bed/refused.mjs';
import { sdks } from './bed/sdks.mjs';

const bed = accessBed();

const both = { r: 1, w: 1, m: 0, d: 0, g: 0, u: 0, j: 0 };
const none = { ...both, r: 0, w: 0 };
const auths = { k: both };

const grants = [
  { asked: {}, level: 'subkey', rest: both },
  { asked: { channels: ['c'] }, level: 'channel', rest: { channels: { c: both } } },
  { asked: { channels: ['c', 'd'] }, level: 'channel', rest: { channels: { c: both, d: both } } },
  { asked: { channels: ['c'], keys: ['k'] }, level: 'user', rest: { channel: 'c', auths } },
  { asked: { channels: ['c'], keys: ['k', 'l'] }, level: 'user', rest: { channel: 'c', auths: { k: both, l: both } } },
  { asked: { channels: ['c', 'a.*'], keys: ['k'] }, level: 'user', rest: { channels: { c: { auths }, 'a.*': { auths } } } },
  { asked: { groups: ['g'] }, level: 'channel-group', rest: { 'channel-groups': { g: both } } },
  { asked: { groups: ['g'], keys: ['k'] }, level: 'channel-group+auth', rest: { 'channel-groups': 'g', auths } },
  {
    asked: { groups: ['g', 'h'], keys: ['k'] },
    level: 'channel-group+auth',
    rest: { 'channel-groups': { g: { auths }, h: { auths } } },
  },
  {
    asked: { channels: ['c'], groups: ['g'], keys: ['k'] },
    level: 'channel-group+auth',
    rest: { channels: { c: { auths } }, 'channel-groups': { g: { auths } } },
  },
  { asked: { uuids: ['u'], keys: ['k'] }, level: 'uuid', rest: { uuids: { u: { auths } } } },
];

for (const sdk of sdks) {
  for (const { asked, level, rest } of grants) {
    test(`${sdk.name}: a grant for ${JSON.stringify(asked)} is answered on the level ${level}`, bounded, async () => {
      const keyset = await bed.makeKeyset();
      const payload = await bed.root(sdk, { keyset }).call('grant', { ...asked, permissions: ['read', 'write'], ttl: 7 });
      assert.deepEqual(payload, { level, subscribe_key: keyset.subscribe_key, ttl: 7, ...rest });
    });
  }

  test(`${sdk.name}: a grant lasts a day unless it says otherwise, and 0 is for ever`, bounded, async () => {
    const root = bed.root(sdk);
    for (const [ttl, answered] of [[undefined, 1440], [0, 0], [1, 1], [525_600, 525_600]]) {
      const payload = await root.call('grant', { channels: ['c'], permissions: ['read'], ttl });
      assert.equal(payload.ttl, answered, `${ttl}`);
    }
  });

  test(`${sdk.name}: a revocation is answered with one minute, whatever was asked`, bounded, async () => {
    const payload = await bed.root(sdk).call('grant', { channels: ['c'], keys: ['k'], permissions: [], ttl: 7 });
    const { subscribe_key } = bed.keyset;
    assert.deepEqual(payload, { level: 'user', subscribe_key, ttl: 1, channel: 'c', auths: { k: none } });
  });

  test(`${sdk.name}: what makes no sense is refused flat`, bounded, async () => {
    const root = bed.root(sdk);
    const cases = [
      [{ keys: ['k'], permissions: ['read'] }, 'Auth-only grants are reserved for future use'],
      [{ channels: ['c'], permissions: ['read'], ttl: 525_601 }, null],
    ];
    for (const [asked, text] of cases) {
      const { status, body } = await refusal(root.call('grant', asked));
      assert.equal(status, 400);
      assert.deepEqual(body, { message: text ?? body.message, error: true, service: 'Access Manager', status: 400 });
      assert.ok(body.message.length > 0);
    }
  });

  test(`${sdk.name}: an audit tells what was granted`, bounded, async () => {
    const keyset = await bed.makeKeyset();
    const root = bed.root(sdk, { keyset });
    const lasting = { permissions: ['read', 'write'], ttl: 30 };
    await root.call('grant', { channels: ['demo'], ...lasting });
    await root.call('grant', { channels: ['demo', 'solo'], keys: ['k'], ...lasting });
    await root.call('grant', { groups: ['cg'], keys: ['k'], ...lasting });
    await root.call('grant', { channels: ['demo.*'], permissions: ['read'], ttl: 0 });

    const timed = { ...both, ttl: 30 };
    const { subscribe_key } = keyset;
    const audits = [
      [{ channel: 'demo', keys: ['k'] }, { level: 'user', channel: 'demo', auths: { k: timed } }],
      [{ channel: 'demo', keys: ['nobody'] }, { level: 'user', channel: 'demo', auths: {} }],
      [{ group: 'cg', keys: ['k'] }, { level: 'channel-group+auth', 'channel-group': 'cg', auths: { k: timed } }],
      [{ channel: 'demo' }, { level: 'channel', channels: { demo: { ...timed, auths: { k: timed } } } }],
      [{ channel: 'unheard' }, { level: 'channel', channels: {} }],
    ];
    for (const [asked, expected] of audits) {
      assert.deepEqual(await root.call('audit', asked), { subscribe_key, ...expected }, JSON.stringify(asked));
    }

    const whole = await root.call('audit', {});
    assert.equal(whole.level, 'subkey');
    assert.deepEqual(Object.keys(whole.channels).sort(), ['demo', 'demo.*', 'solo']);
    assert.deepEqual(whole.channels['demo.*'].ttl, 0);
    assert.deepEqual(whole.channels.solo.auths, { k: timed });
    assert.ok(!('ttl' in whole.channels.solo), 'an entry that only its keys make has no time of its own');
    assert.deepEqual([whole.objects, whole['channel-groups'].cg.auths], [{}, { k: timed }]);
  });
}
