// Pages of any origin can call the endpoint: preflights are answered, and so is every refusal, with the CORS headers.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bounded, fresh, namespace, testBed } from './bed/bed.mjs';

const bed = testBed();
const page = 'https://chat.example';
const methods = ['GET', 'POST', 'OPTIONS', 'PUT', 'DELETE'];
const json = { origin: page, 'content-type': 'application/json;charset=utf-8' };

test('a preflight is answered without a body', bounded, async () => {
  for (const method of ['POST', 'GET']) {
    const headers = { origin: page, 'access-control-request-method': method, 'access-control-request-headers': 'content-type' };
    const answer = await bed.endpoint.send({ route: 'bootstrap' }, { method: 'OPTIONS', headers });
    assert.equal(answer.status, 204);
    assert.equal(answer.text, '');
    assertOpen(answer);
  }
});

test('a grant is answered to the page', bounded, async () => {
  const body = JSON.stringify({ uuid: fresh('alice'), authKey: fresh('key'), namespace });
  const answer = await bed.endpoint.send({ route: 'bootstrap' }, { method: 'POST', headers: json, body });
  assert.equal(answer.status, 200);
  assertOpen(answer);
});

test('refusals are readable for the page', bounded, async () => {
  const keyless = JSON.stringify({ namespace, uuid: 'alice' });
  const nameless = JSON.stringify({ namespace, authKey: 'k' });
  const good = JSON.stringify({ uuid: fresh('alice'), authKey: fresh('key'), namespace });
  const cases = [
    { route: 'nowhere', method: 'POST', body: good, status: 404, text: 'Invalid route' },
    { route: '', method: 'POST', body: good, status: 404, text: 'Invalid route' },
    { route: 'constructor', method: 'POST', body: good, status: 404 },
    { route: '__proto__', method: 'POST', body: good, status: 404 },
    { route: 'bootstrap', method: 'GET', status: 404, text: 'Invalid method' },
    { route: 'bootstrap', method: 'POST', body: '{"uuid":', status: 400 },
    { route: 'bootstrap', method: 'POST', body: keyless, status: 401, text: 'authKey must be a string' },
    { route: 'group', method: 'POST', body: nameless, status: 401, text: 'UUID must be a string' },
  ];
  for (const { route, method, body, status, text } of cases) {
    const answer = await bed.endpoint.send({ route }, { method, headers: json, body });
    const label = `${method} ${route} ${body ?? ''}`;
    assert.equal(answer.status, status, label);
    if (text !== undefined) assert.equal(answer.text, text, label);
    assertOpen(answer);
  }
});

test('a body that is no object is the caller\'s fault', bounded, async () => {
  for (const body of ['null', '[]', '7', '"text"', '']) {
    const answer = await bed.endpoint.send({ route: 'bootstrap' }, { method: 'POST', headers: json, body });
    assert.ok(answer.status >= 400 && answer.status < 500, `${body}: ${answer.status}`);
    assertOpen(answer);
  }
});

test('the checks on a chat answer in their order', bounded, async () => {
  const who = { uuid: fresh('alice'), authKey: fresh('key'), namespace };
  const chat = { channel: `${namespace}#chat#public.#lobby`, group: 'custom', private: false, meta: {} };
  const cases = [
    [{ ...chat, private: 'no' }, 'Must supply a chat isPrivate value.'],
    [{ ...chat, group: 'kitchen' }, 'Must supply a chat group.'],
    [{ ...chat, channel: 7 }, 'Chat channel must be a string'],
    [{ ...chat, channel: '' }, 'Channel not supplied'],
    [{ ...chat, channel: `${namespace}#chat#public.#${'x'.repeat(97)}` }, 'Channel too long'],
    [{ ...chat, meta: 'none' }, 'Invalid meta object supplied.'],
  ];
  for (const [said, text] of cases) {
    const answer = await bed.endpoint.post('grant', { ...who, chat: said });
    assert.deepEqual([answer.status, answer.text], [401, text]);
  }
});

function assertOpen({ headers }) {
  assert.equal(headers.get('access-control-allow-origin'), '*');
  const allowed = headers.get('access-control-allow-headers') ?? '';
  assert.match(allowed, /content-type/i);
  const listed = (headers.get('access-control-allow-methods') ?? '').split(/,\s*/);
  for (const method of methods) assert.ok(listed.includes(method), method);
  assert.match(headers.get('access-control-expose-headers') ?? '', /x-request-id/i);
}
