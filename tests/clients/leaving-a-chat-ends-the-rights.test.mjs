// Leaving a private chat takes it out of the user's groups and takes the right to read it back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { generations } from './bed/generations.mjs';
import { heard } from './bed/waiting.mjs';

const bed = testBed();
const secret = { isPrivate: true };

for (const generation of generations) {
  test(`${generation.name}: who has left a private chat can no longer read it`, bounded, async () => {
    const { chat, entered, who } = await shared(generation);
    assert.deepEqual(await bed.rights(who, chat.channel), { read: true, write: true });
    await leave(entered);

    assert.equal((await bed.rights(who, chat.channel)).read, false);
    assert.equal((await bed.historyOf(chat.channel, who)).status, 403);
    const channels = await bed.admin.channelsOf(`${namespace}#${who.uuid}#custom`);
    assert.ok(!channels.includes(chat.channel));
  });

  test(`${generation.name}: those who stay see the user go`, bounded, async () => {
    const { chat, entered, who } = await shared(generation);
    const parting = heard(chat, '$.offline.leave', ({ user }) => user.uuid === who.uuid);
    await leave(entered);
    await parting;
    assert.ok(!(who.uuid in chat.users));
  });

  test(`${generation.name}: leaving one chat leaves the others as they were`, bounded, async () => {
    const { bob, entered, who } = await shared(generation);
    const other = await bed.chat(generation, bob, fresh('room'));
    await leave(entered);
    assert.deepEqual(await bed.rights(who, other.channel), { read: true, write: true });
    assert.ok((await bed.admin.channelsOf(`${namespace}#${who.uuid}#custom`)).includes(other.channel));
  });

  test(`${generation.name}: nobody can take another user out of a chat`, bounded, async () => {
    const { chat, alice } = await shared(generation);
    const who = { uuid: fresh('mallory'), authKey: fresh('key') };
    await bed.connected(generation, who);
    const said = { channel: chat.channel, group: 'custom', private: true, meta: {} };
    await bed.endpoint.post('leave', { uuid: who.uuid, authKey: who.authKey, [generation.namespaceKey]: namespace, chat: said });
    assert.ok((await bed.admin.channelsOf(`${namespace}#${alice.me.uuid}#custom`)).includes(chat.channel));
  });
}

/** A private chat of alice with bob in it, alice having seen him come. */
async function shared(generation) {
  const room = fresh('vault');
  const alice = await bed.connected(generation, { uuid: fresh('alice') });
  const chat = await bed.chat(generation, alice, room, secret);
  const who = { uuid: fresh('bob'), authKey: fresh('key') };
  const bob = await bed.connected(generation, who);
  const invitation = heard(bob.me.direct, '$.invite');
  chat.invite(new alice.User(who.uuid));
  await invitation;
  const arrival = heard(chat, '$.online.*', ({ user }) => user.uuid === who.uuid);
  const entered = await bed.chat(generation, bob, room, secret);
  await arrival;
  return { alice, bob, chat, entered, who };
}

async function leave(chat) {
  const left = heard(chat, '$.left');
  chat.leave();
  await left;
}
