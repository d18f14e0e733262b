// The test bed of Access Manager: one Usher, an echo origin behind its gateway, and as many real SDK clients as a test asks for.

import { after, before } from 'node:test';

import { askKeyset, createKeyset, switchKeyset } from './admin.mjs';
import { startEcho } from './echo.mjs';
import { sdks } from './sdks.mjs';
import { startUsher } from './usher.mjs';

/** Starts the bed before the tests of a file and clears it away after them. */
export function accessBed() {
  const bed = new AccessBed();
  before(() => bed.start());
  after(() => bed.stop());
  return bed;
}

class AccessBed {
  #usher;
  #echo;
  #running = new Map();

  async start() {
    const started = sdks.map(async (sdk) => this.#running.set(sdk, await sdk.start()));
    [this.#usher, this.#echo] = await Promise.all([startUsher(), startEcho(), ...started]);
    this.keyset = await this.makeKeyset();
  }

  async stop() {
    for (const running of this.#running.values()) await running.stop();
    this.#echo?.close();
    await this.#usher?.stop();
  }

  /** What arrived at the origin so far: `{ method, target, body }` each. */
  get seen() {
    return this.#echo.seen;
  }

  /** A keyset of its own, whose network is the echo origin: `{ subscribe_key, publish_key, secret_key }`. */
  async makeKeyset(switches) {
    const keyset = await createKeyset(this.#usher, { network: this.#echo.url });
    if (switches) await switchKeyset(this.#usher, keyset.subscribe_key, switches);
    return keyset;
  }

  /** Posts to a path of a keyset's admin API, such as `/keys/rotate`. */
  ask(keyset, path, body) {
    return askKeyset(this.#usher, keyset.subscribe_key, path, body);
  }

  /** A client that knows the secret key of a keyset, or the one given in its place. */
  root(sdk, { keyset = this.keyset, secretKey = keyset.secret_key, uuid = 'server' } = {}) {
    return this.client(sdk, { keyset, secretKey, uuid });
  }

  /** A client by what it shows: any of `token`, `authKey` and `secretKey`. */
  client(sdk, { keyset = this.keyset, ...settings }) {
    const { subscribe_key: subscribeKey, publish_key: publishKey } = keyset;
    const origin = new URL(this.#usher.endpoint).host;
    return this.#running.get(sdk).client({ subscribeKey, publishKey, origin, ...settings });
  }

  /** A client of `uuid` with a token for just what is named, which its root grants first. */
  async holder(sdk, uuid, { resources, patterns, ttl = 5 }) {
    const token = await this.root(sdk).call('grantToken', { ttl, resources, patterns });
    return this.client(sdk, { uuid, token });
  }
}
