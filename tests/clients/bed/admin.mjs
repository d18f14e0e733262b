// What the tests and the origin ask of Usher's admin API: is this allowed, what was granted, who is in a group.

/** The admin API of one keyset. Every method rejects when Usher does not answer with 200. */
export class Admin {
  #base;
  #headers;

  constructor({ admin, adminToken, subscribe_key: keyset }) {
    this.#base = `${admin.replace(/\/$/, '')}/v1/keysets/${encodeURIComponent(keyset)}`;
    this.#headers = { authorization: `Bearer ${adminToken}` };
  }

  /** Whether `{ auth, uuid, kind: 'channel'|'group', name, permission: 'read'|'write'|'manage' }` is allowed now. */
  async allows(question) {
    const { allowed } = await this.#ask('/grants/check', {
      method: 'POST',
      headers: { ...this.#headers, 'content-type': 'application/json' },
      body: JSON.stringify(question),
    });
    return allowed === true;
  }

  /** Every live grant of the keyset, as Usher lists them. */
  async grants() {
    return (await this.#ask('/grants', { headers: this.#headers })).grants;
  }

  /** The channels of a group; none when there is no such group. */
  async channelsOf(group) {
    return (await this.#ask(`/groups/${encodeURIComponent(group)}`, { headers: this.#headers }, [404]))?.channels ?? [];
  }

  async #ask(path, init, absent = []) {
    const response = await fetch(this.#base + path, init);
    if (absent.includes(response.status)) {
      await response.arrayBuffer();
      return null;
    }
    if (response.status !== 200) throw new Error(`admin API: ${path}: ${response.status}: ${await response.text()}`);
    return response.json();
  }
}

/** Makes a keyset with new keys. Resolves to `{ subscribe_key, publish_key, secret_key }`. */
export function createKeyset(usher, settings) {
  return told(usher, 'POST', '/v1/keysets', settings);
}

/** Changes the switches of a keyset: `{ revocation: 'on'|'off' }` and the like. */
export function switchKeyset(usher, keyset, switches) {
  return told(usher, 'PATCH', `/v1/keysets/${encodeURIComponent(keyset)}`, switches);
}

/** Posts to a path of a keyset, such as `/keys/rotate`. */
export function askKeyset(usher, keyset, path, body) {
  return told(usher, 'POST', `/v1/keysets/${encodeURIComponent(keyset)}${path}`, body);
}

/** Puts a secret into the vault. */
export async function putSecret({ admin, adminToken }, name, value) {
  const headers = { authorization: `Bearer ${adminToken}` };
  const response = await fetch(`${admin.replace(/\/$/, '')}/v1/secrets/${name}`, { method: 'PUT', headers, body: value });
  if (!response.ok) throw new Error(`admin API: secret ${name}: ${response.status}: ${await response.text()}`);
}

async function told({ admin, adminToken }, method, path, settings) {
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  const response = await fetch(admin.replace(/\/$/, '') + path, { method, headers, body: JSON.stringify(settings) });
  if (!response.ok) throw new Error(`admin API: ${method} ${path}: ${response.status}: ${await response.text()}`);
  return response.json();
}
