// A real deepstream server lets Usher say who logs in, and what is allowed; real deepstream clients see the outcome.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { askKeyset, putSecret } from './bed/admin.mjs';
import { bounded, fresh } from './bed/bed.mjs';
import { asking, startDeepstream, valve } from './bed/deepstream.mjs';
import { startUsher } from './bed/usher.mjs';

const USERS = `
alice: { password: "wonderland", clientData: { greeting: "hello" }, serverData: { role: "editor" } }
bob: { password: "builder" }
`;
const WITH_FILE = `
[[authentication]]
kind = "file"
hash = "none"
users = """${USERS}"""
`;
const POLICY = `
record:
  "*": { create: user.isAuthenticated, read: true, listen: false, notify: false, delete: false }
  "profile/$owner": { write: "user.id === $owner" }
  "article/$id": { write: "user.data !== null && user.data.role === 'editor'" }
  "members/$id": { write: "user.data !== null && user.data.role === 'editor'" }
  "room/$id": { write: "_('members/' + $id) !== null && _('members/' + $id)[user.id] === true" }
  "counter/$id": { write: "oldData !== null && !(data.count <= oldData.count)" }
event:
  "*": { subscribe: true, listen: false }
  "news": { publish: "user.data !== null && user.data.role === 'editor'" }
  "talk": { publish: true }
  "secret": { subscribe: "user.data !== null && user.data.role === 'editor'" }
rpc:
  "*": { provide: false, request: "typeof data.amount === 'number' && data.amount < 100" }
presence:
  "*": { allow: true }
`;

let usher;
before(async () => (usher = await startUsher()));
after(() => usher.stop());

/** Deploys authentication and policy, without a function. Resolves to the URLs of webhook and check. */
async function deploy(authentication, { policy } = {}) {
  const name = fresh('realtime');
  const manifest = `name = "${name}"\n${policy ? 'policy = "policy.yaml"\n' : ''}${authentication}`;
  const { version } = await askKeyset(usher, usher.subscribe_key, '/functions', { manifest, policy: policy ?? null, component: null });
  await askKeyset(usher, usher.subscribe_key, `/functions/${name}/activate`, { version });
  const base = usher.decisions.replace(/\/$/, '');
  return { webhook: `${base}/v1/deepstream/auth/${name}`, check: `${base}/v1/policy/${name}/check` };
}

async function withDeepstream(webhook, permission, run, more) {
  const deepstream = await startDeepstream(webhook, permission, more);
  try {
    await run(deepstream);
  } finally {
    await deepstream.stop();
  }
}

test('a user of the file logs in, with client data for it and server data for Valve', bounded, async () => {
  const { webhook } = await deploy(WITH_FILE);
  const editors = valve({
    record: { '*': {} },
    event: { '*': { publish: "user.data !== null && user.data.role === 'editor'", subscribe: true } },
    rpc: { '*': {} },
    presence: { '*': {} },
  });
  await withDeepstream(webhook, editors, async (deepstream) => {
    const alice = await deepstream.connect({ username: 'alice', password: 'wonderland' });
    assert.deepEqual(alice.clientData, { greeting: 'hello' });
    const bob = await deepstream.connect({ username: 'bob', password: 'builder' });
    assert.equal(bob.clientData ?? null, null);
    // A client hears what it emits itself, allowed or not.
    const heard = new Promise((hear) => bob.client.event.subscribe('news', (said) => said === 'hers' && hear(said)));
    const refused = new Promise((refuse) => bob.client.on('error', (_error, event) => refuse(event)));
    bob.client.event.emit('news', 'mine');
    assert.equal(await refused, 'MESSAGE_DENIED');
    assert.equal(await whileEmitting(alice.client, 'news', 'hers', heard), 'hers');
  });
});

test('who is refused reads a stable code, what to do and the decision', bounded, async () => {
  const { webhook } = await deploy(WITH_FILE);
  await withDeepstream(webhook, valve(), async (deepstream) => {
    for (const login of [{ username: 'alice', password: 'wrong' }, { username: 'eve', password: 'x' }, { username: 'alice' }, {}]) {
      const { reason } = await deepstream.connect(login);
      assert.match(reason.error, /^identity\.denied: [a-z ,]+\(decision [0-9a-f]+\)$/, JSON.stringify(login));
    }
  });
});

test('a JSON Web Token logs in, and an expired one says to sign in again', bounded, async () => {
  const secret = 'a-secret-of-at-least-thirty-two-bytes';
  await putSecret(usher, 'deepstream-jwt', secret);
  const { webhook } = await deploy('[[authentication]]\nkind = "jwt"\nalgorithms = ["HS256"]\nsecret = "deepstream-jwt"\n');
  const now = Math.floor(Date.now() / 1000);
  await withDeepstream(webhook, valve(), async (deepstream) => {
    const valid = await deepstream.connect({ token: signed({ sub: 'carol', exp: now + 60 }, secret) });
    assert.equal(valid.reason, undefined);
    const expired = await deepstream.connect({ token: signed({ sub: 'carol', exp: now - 3600 }, secret) });
    assert.match(expired.reason.error, /^identity\.expired: sign in again/);
    const forged = await deepstream.connect({ token: signed({ sub: 'carol', exp: now + 60 }, 'another-secret-of-thirty-two-bytes!!') });
    assert.match(forged.reason.error, /^identity\.denied:/);
  });
});

test('nobody logs in while the validator behind Usher is down, and at once', bounded, async () => {
  const { webhook } = await deploy(`[[authentication]]\nkind = "http"\nurl = "http://127.0.0.1:${await closedPort()}/who"\n`);
  await withDeepstream(webhook, valve(), async (deepstream) => {
    const { reason } = await deepstream.connect({ username: 'alice', password: 'wonderland' });
    assert.match(reason.error, /^identity\.unavailable: try again/);
  });
});

test('a validator that does not answer is not waited for longer than deepstream waits', bounded, async () => {
  let asked = 0;
  const silent = createServer(() => (asked += 1));
  await new Promise((listening) => silent.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${silent.address().port}/who`;
  const { webhook } = await deploy(`[[authentication]]\nkind = "http"\nurl = "${url}"\ntimeout = "10s"\n`);
  try {
    await withDeepstream(webhook, valve(), async (deepstream) => {
      const { reason } = await deepstream.connect({ username: 'alice', password: 'wonderland' });
      assert.match(reason.error, /^identity\.unavailable: try again/);
    });
    assert.equal(asked, 1, 'deepstream asks once');
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

test('nobody logs in, and nothing is allowed, where no Usher answers', bounded, async () => {
  const gone = `http://127.0.0.1:${await closedPort()}`;
  await withDeepstream(`${gone}/v1/deepstream/auth/x`, valve(), async (deepstream) => {
    const { reason } = await deepstream.connect({ username: 'alice', password: 'wonderland' });
    assert.deepEqual(reason, { error: 'AUTH_RETRY_ATTEMPTS_EXCEEDED' });
  }, { retryAttempts: 0 });
  const { webhook } = await deploy(WITH_FILE);
  await withDeepstream(webhook, asking(`${gone}/v1/policy/x/check`), async (deepstream) => {
    const alice = await deepstream.connect({ username: 'alice', password: 'wonderland' });
    await assert.rejects(async () => alice.client.rpc.make('pay', { amount: 5 }), /MESSAGE_PERMISSION_ERROR/);
  });
});

test('a webhook with a password answers nobody who does not show it', bounded, async () => {
  await putSecret(usher, 'deepstream-caller', 'let-me-ask');
  const { webhook } = await deploy(`${WITH_FILE}\n[deepstream]\nbasic_secret = "deepstream-caller"\n`);
  const alice = { username: 'alice', password: 'wonderland' };
  await withDeepstream(webhook, valve(), async (deepstream) => {
    assert.match((await deepstream.connect(alice)).reason.error, /^webhook\.unauthorized:/);
  });
  await withDeepstream(webhook.replace('http://', 'http://deepstream:let-me-ask@'), valve(), async (deepstream) => {
    assert.deepEqual((await deepstream.connect(alice)).clientData, { greeting: 'hello' });
  });
});

test("a plugin puts every message to the deployment's policy", bounded, async () => {
  const { webhook, check } = await deploy(WITH_FILE, { policy: POLICY });
  await withDeepstream(webhook, asking(check), async (deepstream) => {
    const alice = await deepstream.connect({ username: 'alice', password: 'wonderland' });
    const bob = await deepstream.connect({ username: 'bob', password: 'builder' });
    assert.equal(await writes(bob.client, 'profile/bob', 'age', 40), null);
    assert.equal(await writes(alice.client, 'article/1', 'title', 'News'), null);
    assert.match(await writes(bob.client, 'article/1', 'title', 'Mine'), /MESSAGE_DENIED/);
    assert.match(await writes(alice.client, 'profile/bob', 'age', 1), /MESSAGE_DENIED/);
    const heard = new Promise((hear) => bob.client.event.subscribe('news', hear));
    assert.deepEqual(await whileEmitting(alice.client, 'news', { text: 'hers' }, heard), { text: 'hers' });
    await assert.rejects(async () => bob.client.rpc.make('pay', { amount: 500 }), /MESSAGE_DENIED/);
  });
});

test('a plugin hands over the records that rules look up', bounded, async () => {
  const { webhook, check } = await deploy(WITH_FILE, { policy: POLICY });
  await withDeepstream(webhook, asking(check), async (deepstream) => {
    const alice = await deepstream.connect({ username: 'alice', password: 'wonderland' });
    const bob = await deepstream.connect({ username: 'bob', password: 'builder' });
    assert.equal(await writes(bob.client, 'counter/1', 'count', 5), null);
    assert.equal(await writes(alice.client, 'counter/1', 'count', 6), null);
    assert.match(await writes(bob.client, 'counter/1', 'count', 4), /MESSAGE_DENIED/);
    assert.equal(await writes(alice.client, 'members/1', 'alice', true), null);
    assert.equal(await writes(alice.client, 'room/1', 'topic', 'tea'), null);
    assert.match(await writes(bob.client, 'room/1', 'topic', 'coffee'), /MESSAGE_DENIED/);
  });
});

test('of names that are subscribed to at once, the refused one alone is left out', bounded, async () => {
  const { webhook, check } = await deploy(WITH_FILE, { policy: POLICY });
  await withDeepstream(webhook, asking(check), async (deepstream) => {
    const alice = await deepstream.connect({ username: 'alice', password: 'wonderland' });
    const bob = await deepstream.connect({ username: 'bob', password: 'builder' });
    bob.client.event.subscribe('secret', () => {});
    // As many names are taken out as are refused: what is heard here, is not heard there.
    const heard = new Promise((hear) => bob.client.event.subscribe('talk', hear));
    assert.equal(await whileEmitting(alice.client, 'talk', 'hello', heard), 'hello');
    assert.deepEqual(bob.errors, ['MESSAGE_DENIED']);
  });
});

test('a check with a password answers nobody who does not show it', bounded, async () => {
  await putSecret(usher, 'deepstream-plugin', 'let/me ask');
  const caller = 'deepstream:let%2Fme%20ask@';
  const { webhook, check } = await deploy(`${WITH_FILE}\n[deepstream]\nbasic_secret = "deepstream-plugin"\n`, { policy: POLICY });
  for (const [url, outcome] of [[check, /MESSAGE_PERMISSION_ERROR/], [check.replace('http://', `http://${caller}`), null]]) {
    await withDeepstream(webhook.replace('http://', `http://${caller}`), asking(url), async (deepstream) => {
      const bob = await deepstream.connect({ username: 'bob', password: 'builder' });
      const record = bob.client.record.getRecord('profile/bob');
      const refused = new Promise((refuse) => bob.client.on('error', (_error, event) => refuse(event)));
      const outcomeOf = await Promise.race([refused, record.whenReady().then(() => null)]);
      if (outcome) assert.match(outcomeOf, outcome);
      else assert.equal(outcomeOf, null);
    });
  }
});

/** A port that nobody listens to. */
async function closedPort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** What `heard` becomes while an event is emitted: nothing tells when a subscription is in force. */
async function whileEmitting(client, event, said, heard) {
  const emitting = setInterval(() => client.event.emit(event, said), 20);
  try {
    return await heard;
  } finally {
    clearInterval(emitting);
  }
}

/** What a write to a record ends with: `null`, or the error. */
async function writes(client, name, path, value) {
  const record = client.record.getRecord(name);
  await record.whenReady();
  const refused = new Promise((refuse) => record.on('error', (error, event) => refuse(`${error} ${event}`)));
  const written = new Promise((write) => record.set(path, value, (error) => write(error ? String(error) : null)));
  return Promise.race([refused, written]);
}

function signed(claims, secret) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
