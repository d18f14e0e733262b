// The Ed25519 twin of a token is verified with nothing but Node, by the code that docs/verifiable-tokens.md shows.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { askKeyset, createKeyset } from './bed/admin.mjs';
import { bounded } from './bed/bed.mjs';
import { startUsher } from './bed/usher.mjs';

const root = new URL('../../', import.meta.url);
const vectors = JSON.parse(await readFile(new URL('tests/vectors/twins.json', root)));
const { claims } = await import(await shown('docs/verifiable-tokens.md'));

let usher;
before(async () => (usher = await startUsher()));
after(() => usher.stop());

for (const { name, twin, claims: expected, refused, ...other } of vectors.cases) {
  const { jwks, subscribe_key: subscribeKey, now } = { ...vectors, ...other };
  test(`vector: ${name}`, () => {
    const said = () => claims(twin, jwks, subscribeKey, now);
    if (refused) assert.throws(said);
    else assert.deepEqual(said(), expected);
  });
}

test('a twin says what its token says, and outlives a rotation until its key is dropped', bounded, async () => {
  const { subscribe_key: keyset } = await createKeyset(usher, {});
  const ask = (path, body) => askKeyset(usher, keyset, path, body);
  const grant = { ttl: 5, permissions: { uuid: 'alice', resources: { channels: { lobby: 3 } }, patterns: { uuids: { '^a': 32 } } } };
  const first = await ask('/tokens?twin=ed25519', grant);
  const said = claims(first.twin, await keys(keyset), keyset);
  assert.deepEqual(
    { sub: said.sub, res: said.res, pat: said.pat, jti: said.jti, lasts: said.exp - said.iat },
    { sub: 'alice', res: { channels: { lobby: ['read', 'write'] } }, pat: { uuids: { '^a': ['get'] } }, jti: first.id, lasts: 300 },
  );
  await ask('/keys/rotate', {});
  const second = await ask('/tokens?twin=ed25519', grant);
  for (const { twin } of [first, second]) assert.equal(claims(twin, await keys(keyset), keyset).sub, 'alice');
  await ask('/keys/1/retire', { force: true });
  const left = await keys(keyset);
  assert.equal(claims(second.twin, left, keyset).sub, 'alice');
  assert.throws(() => claims(first.twin, left, keyset), /known key/);
});

async function keys(keyset) {
  const { origin } = new URL(usher.endpoint);
  return (await fetch(`${origin}/.well-known/usher/keys/${keyset}`)).json();
}

/** The first block of JavaScript of a page, as a module to import. */
async function shown(page) {
  const [, code] = /```js\n([^]*?)```/.exec(await readFile(new URL(page, root), 'utf8'));
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
