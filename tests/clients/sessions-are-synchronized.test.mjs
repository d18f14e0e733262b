// With `enableSync` two devices of one user learn of each other's chats, live and after a restart.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { generations } from './bed/generations.mjs';
import { heard } from './bed/waiting.mjs';

const bed = testBed();

for (const generation of generations) {
  test(`${generation.name}: a chat opened on one device appears on the other`, bounded, async () => {
    const who = { uuid: fresh('alice'), authKey: fresh('key'), enableSync: true };
    const phone = await device(generation, who);
    const desk = await device(generation, who);
    const room = fresh('room');
    const appears = heard(desk.me.session, '$.chat.join', ({ chat }) => chat.channel.endsWith(room));
    await bed.chat(generation, phone, room);
    assert.equal((await appears).chat.channel, `${namespace}#chat#public.#${room}`);
  });

  test(`${generation.name}: a chat left on one device goes from the other`, bounded, async () => {
    const who = { uuid: fresh('alice'), authKey: fresh('key'), enableSync: true };
    const phone = await device(generation, who);
    const desk = await device(generation, who);
    const room = fresh('room');
    const appears = heard(desk.me.session, '$.chat.join', ({ chat }) => chat.channel.endsWith(room));
    const chat = await bed.chat(generation, phone, room);
    await appears;
    const goes = heard(desk.me.session, '$.chat.leave', (event) => event.chat.channel === chat.channel);
    chat.leave();
    await goes;
  });

  test(`${generation.name}: a new device finds the chats of the user`, bounded, async () => {
    const who = { uuid: fresh('alice'), authKey: fresh('key') };
    const phone = await bed.connected(generation, who);
    const chat = await bed.chat(generation, phone, fresh('room'));
    const desk = bed.client(generation, { enableSync: true });
    const restored = heard(desk, '$.group.restored', ({ group }) => group === 'custom');
    generation.connect(desk, who.uuid, who.authKey, {});
    await restored;
    assert.ok(chat.channel in desk.me.session.chats.custom);
  });

  test(`${generation.name}: another user's session channel stays closed`, bounded, async () => {
    const alice = await device(generation, { uuid: fresh('alice'), enableSync: true });
    const who = { uuid: fresh('mallory'), authKey: fresh('key') };
    await bed.connected(generation, who);
    const { channel } = alice.me.session.sync;
    assert.equal(channel, `${namespace}#user#${alice.me.uuid}#me.#sync`);
    assert.equal((await bed.publishTo(channel, { event: '$.session.notify.chat.leave' }, who)).status, 403);
    assert.equal((await bed.subscribeTo(channel, who)).status, 403);
  });
}

async function device(generation, who) {
  const engine = await bed.connected(generation, who);
  const { sync } = engine.me.session;
  if (!sync.connected) await heard(sync, '$.connected');
  return engine;
}
