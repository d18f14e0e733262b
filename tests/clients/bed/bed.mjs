// The test bed: one Usher, one origin, and as many real clients as a test asks for.

import { after, before } from 'node:test';
import { randomUUID } from 'node:crypto';

import { Admin } from './admin.mjs';
import { Endpoint } from './endpoint.mjs';
import { startOrigin } from './origin.mjs';
import { startUsher } from './usher.mjs';
import { heard } from './waiting.mjs';

/** The namespace that the default deployment is configured for. */
export const namespace = 'demo';

/** Options of every test: a bound on its time. */
export const bounded = { timeout: 45_000 };

/** A name nobody used before: `prefix-1f0c9a3b`. */
export function fresh(prefix) {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

/** Starts the bed before the tests of a file and clears it away after them. */
export function testBed() {
  const bed = new Bed();
  before(() => bed.start());
  after(() => bed.stop());
  return bed;
}

class Bed {
  #usher;
  #origin;
  #engines = [];

  async start() {
    this.#usher = await startUsher();
    this.admin = new Admin(this.#usher);
    this.endpoint = new Endpoint(this.#usher.endpoint);
    this.#origin = await startOrigin(this.admin);
  }

  async stop() {
    for (const engine of this.#engines) retire(engine);
    this.#origin?.close();
    await this.#usher?.stop();
  }

  /** A client that has not connected yet. `settings` are the client's own: `enableMeta`, `enableSync`, `enableGlobal`, `namespace`. */
  client(generation, settings = {}) {
    const { publish_key: publishKey, subscribe_key: subscribeKey, endpoint } = this.#usher;
    const keys = { publishKey, subscribeKey, origin: this.#origin.host, ssl: false };
    const engine = generation.create(keys, { endpoint, namespace, throwErrors: false, ...settings });
    this.#engines.push(engine);
    return engine;
  }

  /** A connected client: `$.ready` has fired, the origin has accepted its subscription, its own feed and direct chat are open. */
  async connected(generation, { uuid, authKey = fresh('key'), state = {}, ...settings }) {
    const engine = this.client(generation, settings);
    const ready = readiness(engine);
    const subscribed = heard(engine, '$.network.up.connected');
    generation.connect(engine, uuid, authKey, state);
    await Promise.all([ready, subscribed]);
    await Promise.all([engine.me.feed, engine.me.direct].map(opened));
    return engine;
  }

  /** Connects to a chat and resolves to it once it is connected. */
  async chat(generation, engine, name, options) {
    return opened(generation.chat(engine, name, options));
  }

  /** What one key of one user may do with a channel: `{ read, write }`. */
  async rights({ uuid, authKey }, channel) {
    const ask = (permission) => this.admin.allows({ auth: String(authKey), uuid, kind: 'channel', name: channel, permission });
    return { read: await ask('read'), write: await ask('write') };
  }

  /** GET on the origin as a client would send it. Resolves to `{ status, body }`. */
  async originGet(path, { uuid, authKey }) {
    const query = new URLSearchParams({ uuid, auth: String(authKey) });
    const response = await fetch(`http://${this.#origin.host}${path}?${query}`);
    return { status: response.status, body: await response.json() };
  }

  historyOf(channel, who) {
    return this.originGet(`/v2/history/sub-key/${this.#usher.subscribe_key}/channel/${encodeURIComponent(channel)}`, who);
  }

  subscribeTo(channel, who) {
    return this.originGet(`/v2/subscribe/${this.#usher.subscribe_key}/${encodeURIComponent(channel)}/0`, who);
  }

  publishTo(channel, message, who) {
    const { publish_key: publishKey, subscribe_key: subscribeKey } = this.#usher;
    const [name, text] = [channel, JSON.stringify(message)].map(encodeURIComponent);
    return this.originGet(`/publish/${publishKey}/${subscribeKey}/0/${name}/0/${text}`, who);
  }
}

async function opened(chat) {
  if (!chat.connected) await heard(chat, '$.connected');
  return chat;
}

function readiness(engine) {
  return new Promise((resolve, reject) => {
    heard(engine, '$.ready').then(resolve, reject);
    engine.once('$.error.auth', ({ error }) => reject(refused(error)));
    engine.once('$.network.down.denied', ({ errorData }) => reject(denied(errorData)));
  });
}

function refused(error) {
  const { status, data } = error?.response ?? {};
  return new Error(status ? `the endpoint answered ${status}: ${JSON.stringify(data)}` : `the endpoint did not answer: ${error}`);
}

function denied(error) {
  return new Error(`the origin denied the subscription: ${error?.response?.text}`);
}

function retire(engine) {
  engine.destroy();
  if (engine.pubnub) engine.pubnub.stop(true);
}
