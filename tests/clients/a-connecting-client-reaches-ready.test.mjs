// A client that connects reaches `$.ready`, and holds afterwards exactly the rights of its own user.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { generations } from './bed/generations.mjs';

const bed = testBed();
const both = { read: true, write: true };
const none = { read: false, write: false };

for (const generation of generations) {
  test(`${generation.name} reaches ready and is subscribed`, bounded, async () => {
    const uuid = fresh('alice');
    const engine = await bed.connected(generation, { uuid });
    assert.equal(engine.ready, true);
    assert.equal(engine.me.uuid, uuid);
    assert.equal(engine.global.channel, generation.globalChannel(namespace));
  });

  test(`${generation.name} holds the rights of its own user and of nobody else`, bounded, async () => {
    const who = { uuid: fresh('alice'), authKey: fresh('key') };
    const other = fresh('bob');
    await bed.connected(generation, who);
    const expected = [
      [generation.globalChannel(namespace), both],
      [`${namespace}#chat#public.#lobby`, both],
      [`${namespace}#user#${who.uuid}#read.#feed`, both],
      [`${namespace}#user#${who.uuid}#write.#direct`, both],
      [`${namespace}#user#${who.uuid}#me.#sync`, both],
      [`${namespace}#user#${other}#me.#sync`, none],
      [`${namespace}#chat#private.#vault`, none],
      ['elsewhere#chat#public.#lobby', none],
    ];
    for (const [channel, rights] of expected) {
      assert.deepEqual(await bed.rights(who, channel), rights, channel);
    }
  });

  test(`${generation.name} may read its own groups, change none, and read no one else's`, bounded, async () => {
    const who = { uuid: fresh('alice'), authKey: fresh('key') };
    const other = fresh('bob');
    await bed.connected(generation, who);
    const allowed = (owner, group, permission) =>
      bed.admin.allows({ auth: who.authKey, uuid: who.uuid, kind: 'group', name: `${namespace}#${owner}#${group}`, permission });
    for (const group of ['rooms', 'system', 'custom', 'rooms-pnpres', 'system-pnpres', 'custom-pnpres']) {
      assert.equal(await allowed(who.uuid, group, 'read'), true, `read own ${group}`);
      assert.equal(await allowed(who.uuid, group, 'manage'), false, `manage own ${group}`);
      assert.equal(await allowed(other, group, 'read'), false, `read another's ${group}`);
    }
  });
}

test('a key that never connected may do nothing', bounded, async () => {
  const stranger = { uuid: fresh('mallory'), authKey: fresh('key') };
  const channel = `${namespace}#chat#public.#lobby`;
  const answers = [
    await bed.subscribeTo(channel, stranger),
    await bed.publishTo(channel, { event: 'message', data: {} }, stranger),
    await bed.historyOf(channel, stranger),
  ];
  assert.deepEqual(answers.map(({ status }) => status), [403, 403, 403]);
});

test('what was granted is listed by the admin API', bounded, async () => {
  const who = { uuid: fresh('alice'), authKey: fresh('key') };
  await bed.connected(generations[0], who);
  const grants = await bed.admin.grants();
  assert.ok(Array.isArray(grants) && grants.length > 0);
  assert.ok(JSON.stringify(grants).includes(`${namespace}#user#${who.uuid}#me.*`));
});
