// A namespace that is malformed or not served is refused with the text its dialect knows, and the client shows it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';
import { generations } from './bed/generations.mjs';
import { heard } from './bed/waiting.mjs';

const bed = testBed();
const refused = [
  'chat-engine',
  'elsewhere',
  `${namespace}#chat#public`,
  `${namespace}#user#bob#me.#sync`,
  `${namespace},elsewhere`,
  `${namespace}.`,
  '*',
];

for (const generation of generations) {
  test(`${generation.name} shows the refusal in $.error.auth and is never ready`, bounded, async () => {
    for (const name of refused) {
      const engine = bed.client(generation, { namespace: name });
      const refusal = heard(engine, '$.error.auth');
      generation.connect(engine, fresh('alice'), fresh('key'), {});
      const { error, ceError } = await refusal;
      const { status, text } = generation.refusal(name);
      assert.deepEqual([error.response.status, error.response.data], [status, text]);
      assert.equal(ceError, `Error: ${text}`);
      assert.equal(engine.ready, false);
    }
  });

  test(`${generation.name}: every route that grants refuses it`, bounded, async () => {
    const chat = { channel: 'elsewhere#chat#public.#lobby', group: 'custom', private: false, meta: {} };
    const body = { uuid: fresh('alice'), authKey: fresh('key'), [generation.namespaceKey]: 'elsewhere', chat };
    for (const route of ['bootstrap', 'user_read', 'user_write', 'group', 'grant', 'join', 'leave']) {
      const { status, text } = await bed.endpoint.post(route, body);
      const expected = generation.refusal('elsewhere');
      assert.deepEqual([status, text], [expected.status, expected.text], route);
    }
  });
}

test('the dialect is told by the key that is present, and a namespace must be there', bounded, async () => {
  const who = { uuid: fresh('alice'), authKey: fresh('key') };
  const cases = [{}, { namespace: 7 }, { namespace: [namespace] }, { global: null }, { global: [namespace] }];
  for (const tenant of cases) {
    const body = { ...who, ...tenant };
    const { status } = await bed.endpoint.post('bootstrap', body);
    assert.ok(status === 400 || status === 401, `${JSON.stringify(body)}: ${status}`);
  }
});
