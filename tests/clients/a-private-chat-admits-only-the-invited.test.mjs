// A private chat opens to whoever was invited; everybody else is refused by Usher, and by the network.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { generations } from './bed/generations.mjs';
import { heard } from './bed/waiting.mjs';

const bed = testBed();
const secret = { isPrivate: true };

for (const generation of generations) {
  test(`${generation.name}: the invited user gets in, hears and is heard`, bounded, async () => {
    const { room, chat, alice } = await privateChat(generation);
    const bob = await bed.connected(generation, { uuid: fresh('bob') });
    const invitation = heard(bob.me.direct, '$.invite');
    chat.invite(new alice.User(bob.me.uuid));
    const { data, sender } = await invitation;
    assert.equal(data.channel, chat.channel);
    assert.equal(sender.uuid, alice.me.uuid);

    const entered = await bed.chat(generation, bob, room, secret);
    assert.equal(entered.channel, chat.channel);
    const atBob = heard(entered, 'message', (event) => event.data.text === 'welcome');
    chat.emit('message', { text: 'welcome' });
    await atBob;
    const atAlice = heard(chat, 'message', (event) => event.data.text === 'thanks');
    entered.emit('message', { text: 'thanks' });
    assert.equal((await atAlice).sender.uuid, bob.me.uuid);
    assert.ok((await bed.admin.channelsOf(`${namespace}#${bob.me.uuid}#custom`)).includes(chat.channel));
  });

  test(`${generation.name}: the uninvited user is refused at the handshake`, bounded, async () => {
    const { room } = await privateChat(generation);
    const mallory = await bed.connected(generation, { uuid: fresh('mallory') });
    const attempt = generation.chat(mallory, room, secret);
    const { error } = await heard(attempt, generation.handshakeError);
    assert.equal(error.response.status, 403);
    // The newer client makes its error text of the body, and an object would read `[object Object]`.
    assert.equal(typeof error.response.data, 'string');
    assert.equal(attempt.connected, false);
  });

  test(`${generation.name}: the uninvited user can neither read, write nor overhear`, bounded, async () => {
    const { room, chat, alice } = await privateChat(generation);
    await heard(chat.emit('message', { text: 'between us' }), '$.emitted');
    const who = { uuid: fresh('mallory'), authKey: fresh('key') };
    const mallory = await bed.connected(generation, who);
    await heard(generation.chat(mallory, room, secret), generation.handshakeError);

    assert.deepEqual(await bed.rights(who, chat.channel), { read: false, write: false });
    assert.deepEqual(await bed.rights(who, `${chat.channel}-pnpres`), { read: false, write: false });
    assert.equal((await bed.historyOf(chat.channel, who)).status, 403);
    assert.equal((await bed.subscribeTo(chat.channel, who)).status, 403);
    assert.equal((await bed.publishTo(chat.channel, { event: 'message', data: {}, sender: alice.me.uuid }, who)).status, 403);
    for (const group of ['rooms', 'system', 'custom']) {
      const channels = await bed.admin.channelsOf(`${namespace}#${who.uuid}#${group}`);
      assert.ok(!channels.includes(chat.channel), `not in the group ${group}`);
    }
  });

  test(`${generation.name}: the uninvited user can neither join, invite himself nor call the chat public`, bounded, async () => {
    const { chat } = await privateChat(generation);
    const who = { uuid: fresh('mallory'), authKey: fresh('key') };
    await bed.connected(generation, who);
    const body = { uuid: who.uuid, authKey: who.authKey, [generation.namespaceKey]: namespace };
    const said = { channel: chat.channel, group: 'custom', private: true, meta: {} };
    const attempts = [
      ['join', { ...body, chat: said }],
      ['invite', { ...body, to: who.uuid, chat: said }],
      ['grant', { ...body, chat: { ...said, private: false } }],
      ['grant', { ...body, chat: { ...said, channel: `${chat.channel}-pnpres` } }],
      ['grant', { ...body, chat: { ...said, channel: `${namespace}#chat#private.*` } }],
      ['grant', { ...body, chat: { ...said, channel: `${namespace}#chat#public.#x,${chat.channel}` } }],
    ];
    for (const [route, request] of attempts) {
      const { status } = await bed.endpoint.post(route, request);
      assert.ok(status >= 400 && status < 500, `${route} ${request.chat.channel}: ${status}`);
    }
    assert.deepEqual(await bed.rights(who, chat.channel), { read: false, write: false });
    assert.ok(!(await bed.admin.channelsOf(`${namespace}#${who.uuid}#custom`)).includes(chat.channel));
  });

  test(`${generation.name}: the refusal does not tell a foreign chat from one that never was`, bounded, async () => {
    const { chat } = await privateChat(generation);
    const who = { uuid: fresh('mallory'), authKey: fresh('key') };
    await bed.connected(generation, who);
    const identity = { uuid: who.uuid, authKey: who.authKey, [generation.namespaceKey]: namespace };
    const ask = (channel) => bed.endpoint.get('chat', { channel, ...identity });
    const [foreign, absent] = [await ask(chat.channel), await ask(`${namespace}#chat#private.#${fresh('room')}`)];
    assert.equal(foreign.status, 403);
    assert.deepEqual([foreign.status, foreign.text], [absent.status, absent.text]);
  });
}

async function privateChat(generation) {
  const room = fresh('vault');
  const alice = await bed.connected(generation, { uuid: fresh('alice') });
  const chat = await bed.chat(generation, alice, room, secret);
  assert.equal(chat.channel, `${namespace}#chat#private.#${room}`);
  return { room, chat, alice };
}
