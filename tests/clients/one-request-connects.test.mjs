// The route `connect` gives in one request what the four steps of the handshake give.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';

const bed = testBed();

for (const key of ['namespace', 'global']) {
  test(`in the dialect of \`${key}\` one request opens global, own channels and own groups`, bounded, async () => {
    const who = { uuid: fresh('alice'), authKey: fresh('key') };
    const { status } = await bed.endpoint.post('connect', { ...who, [key]: namespace });
    assert.equal(status, 200);

    for (const channel of [namespace, `${namespace}#chat#public.#global`, ...own(who.uuid)]) {
      assert.deepEqual(await bed.rights(who, channel), { read: true, write: true }, channel);
    }
    for (const group of ['rooms', 'system', 'custom']) {
      const question = { auth: who.authKey, uuid: who.uuid, kind: 'group', name: `${namespace}#${who.uuid}#${group}`, permission: 'read' };
      assert.equal(await bed.admin.allows(question), true, group);
    }
    assert.equal((await bed.publishTo(namespace, { event: 'message', data: {}, sender: who.uuid }, who)).status, 200);
  });
}

test('after one request the groups hold what the client of that dialect would have joined', bounded, async () => {
  const cases = [
    { key: 'namespace', group: 'custom', chat: `${namespace}#chat#public.#global` },
    { key: 'global', group: 'system', chat: namespace },
  ];
  for (const { key, group, chat } of cases) {
    const who = { uuid: fresh('alice'), authKey: fresh('key') };
    const { data } = await bed.endpoint.post('connect', { ...who, [key]: namespace });
    assert.deepEqual([data.uuid, data.namespace], [who.uuid, namespace]);
    const members = (name) => bed.admin.channelsOf(`${namespace}#${who.uuid}#${name}`);
    assert.ok((await members(group)).includes(chat), key);
    const [, feed, direct] = own(who.uuid);
    const system = await members('system');
    assert.ok(system.includes(feed) && system.includes(direct), key);
  }
});

test('a refused connect grants nothing', bounded, async () => {
  const who = { uuid: fresh('alice'), authKey: fresh('key') };
  const { status } = await bed.endpoint.post('connect', { ...who, namespace: 'elsewhere' });
  assert.equal(status, 400);
  assert.equal((await bed.rights(who, namespace)).read, false);
  assert.ok(!JSON.stringify(await bed.admin.grants()).includes(who.uuid));
});

test('a user id that would widen the grant is refused', bounded, async () => {
  for (const uuid of ['', '*', 'a,b', `x#me.*,${namespace}#chat#private.*,y`, 'a#b', 'a/b', 'a b', 'a\nb', 'x'.repeat(200)]) {
    const authKey = fresh('key');
    const { status } = await bed.endpoint.post('connect', { uuid, authKey, namespace });
    assert.ok(status >= 400 && status < 500, `${JSON.stringify(uuid)}: ${status}`);
    assert.equal((await bed.rights({ uuid: fresh('alice'), authKey }, namespace)).read, false);
  }
});

function own(uuid) {
  return [`${namespace}#user#${uuid}#me.#sync`, `${namespace}#user#${uuid}#read.#feed`, `${namespace}#user#${uuid}#write.#direct`];
}
