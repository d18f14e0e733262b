// A token grant that makes no sense is refused with the texts of the hosted service, so that a client's error handling still fits.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessBed } from './bed/access.mjs';
import { bounded } from './bed/bed.mjs';
import { refusal } from './bed/refused.mjs';
import { sdks } from './bed/sdks.mjs';

const bed = accessBed();

const range = 'Range should be 1 to 43200 minute(s).';
const noRepeat = 'Syntax error: multiple repeat.';
const noCapture = 'Only non-capturing groups are allowed. Try replacing `(` with `(?:`.';
const uuidPattern = (source) => ({ patterns: { uuids: { [source]: ['get'] } } });

const refusals = [
  { what: 'a time over 30 days', asked: { ttl: 43_201 }, title: 'Invalid ttl', detail: range, location: 'ttl' },
  { what: 'a negative time', asked: { ttl: -1 }, title: 'Invalid ttl', detail: range, location: 'ttl' },
  {
    what: 'a user without a permission',
    asked: { resources: { uuids: { 'uuid-1': [] } } },
    title: 'Invalid permissions',
    detail: 'Unexpected value: `permissions.resources.uuids.uuid-1` must be positive and non-zero.',
    location: 'permissions.resources.uuids.uuid-1',
  },
  {
    what: 'a pattern that is no regular expression',
    asked: uuidPattern('!<[^>]+>++'),
    title: 'Invalid RegExp',
    detail: noRepeat,
    location: 'permissions.patterns.uuids.!<[^>]+>++',
  },
  {
    what: 'a pattern that captures',
    asked: uuidPattern('(!<[^>]+>)+'),
    title: 'Invalid RegExp',
    detail: noCapture,
    location: 'permissions.patterns.uuids.(!<[^>]+>)+',
  },
  {
    what: 'a pattern that captures and is no regular expression',
    asked: uuidPattern('(a)++'),
    title: 'Invalid RegExp',
    detail: noRepeat,
    location: 'permissions.patterns.uuids.(a)++',
  },
];

for (const sdk of sdks) {
  for (const { what, asked, title, detail, location } of refusals) {
    test(`${sdk.name}: ${what} is refused as \`${title}\``, bounded, async () => {
      const settings = { ttl: 60, resources: { channels: { room: ['read'] } }, ...asked };
      const { status, body } = await refusal(bed.root(sdk).call('grantToken', settings));
      const error = { message: title, source: 'grant', details: [{ message: detail, location, locationType: 'body' }] };
      assert.deepEqual([status, body], [400, { error, service: 'Access Manager', status: 400 }]);
    });
  }

  test(`${sdk.name}: what stands in a refused pattern is refused fast`, bounded, async () => {
    const source = `${'(?:a?){50}'.repeat(15)}(?:${'a'.repeat(50)}){1000}`;
    const started = Date.now();
    assert.equal((await refusal(bed.root(sdk).call('grantToken', { ttl: 60, ...uuidPattern(source) }))).status, 400);
    assert.ok(Date.now() - started < 5_000);
  });
}
