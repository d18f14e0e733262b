// An origin that asks nobody: it answers every operation of the data plane, as whoever sits behind Usher's gateway would.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { gunzipSync, inflateSync } from 'node:zlib';

import { Network } from './network.mjs';

const LONGEST_POLL = 40_000;

/**
 * Starts an origin on a free port. Resolves to `{ url, host, seen, close }`; `seen` lists what arrived, as
 * `{ method, target, body }` with the target's bytes untouched.
 */
export async function startEcho() {
  const groups = new Map();
  const network = new Network(async (group) => [...(groups.get(group) ?? [])], LONGEST_POLL);
  const seen = [];
  const origin = { network, groups, seen };
  const server = createServer((request, response) => serve(origin, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin.host = `127.0.0.1:${server.address().port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://${origin.host}`, host: origin.host, seen, close };
}

async function serve(origin, request, response) {
  const call = await parse(request, response);
  const { method, path } = call;
  if (!path.startsWith(STORE)) origin.seen.push({ method, target: request.url, body: call.body });
  const row = operations.find(([verb, pattern]) => verb === method && pattern.test(path));
  if (!row) return answer(response, 404, { status: 404, error: true, message: `unknown operation ${method} ${path}` });
  const [, pattern, run] = row;
  try {
    const body = await run(origin, call, ...parts(pattern, path));
    if (body === null) return response.writeHead(204).end();
    if (body.location) return response.writeHead(307, { location: body.location }).end();
    answer(response, 200, body);
  } catch (error) {
    console.error(`echo: ${method} ${path}: ${error.stack}`);
    answer(response, 500, { status: 500, error: true, message: error.message });
  }
}

function parts(pattern, path) {
  return pattern.exec(path).slice(1).map((part) => part && decodeURIComponent(part));
}

async function parse(request, response) {
  const url = new URL(request.url, 'http://origin');
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const query = Object.fromEntries(url.searchParams);
  const { uuid = '', auth = '' } = query;
  const body = unpacked(Buffer.concat(await request.toArray()));
  return { method: request.method, path: url.pathname, query, who: { uuid, auth }, body, signal: gone.signal };
}

// One client sends zlib data under the name of gzip, so the bytes decide.
function unpacked(bytes) {
  if (bytes[0] === 0x78) return inflateSync(bytes).toString();
  if (bytes[0] === 0x1f) return gunzipSync(bytes).toString();
  return bytes.toString();
}

const STORE = '/store/';
const KEYSET = '/v[1-3]/[^/]+/sub[-_]key/[^/]+';
const OBJECTS = '/v2/objects/[^/]+';
const FILES = '/v1/files/[^/]+/channels/([^/]+)';

const at = (path) => new RegExp(`^${path}$`);
const presence = (more) => ({ status: 200, message: 'OK', service: 'Presence', ...more });
const registry = (more) => ({ status: 200, message: 'OK', service: 'channel-registry', error: false, ...more });
const data = (value) => ({ status: 200, data: value });
const listed = () => ({ status: 200, data: [], totalCount: 0 });

// Method, path, and what is answered; the first row that fits counts.
const operations = [
  ['GET', at('/time/0'), ({ network }) => [Number(network.now)]],
  ['GET', at('/v2/subscribe/([^/]+)/([^/]+)/[^/]+'), subscribe],
  ['GET', at('/(?:publish|signal)/[^/]+/[^/]+/0/([^/]+)/[^/]+/(.+)'), publish],
  ['POST', at('/publish/[^/]+/[^/]+/0/([^/]+)/[^/]+'), (origin, call, channel) => publish(origin, call, channel, call.body)],
  ['GET', at(`${KEYSET}/channel/([^/]+)/heartbeat`), () => presence({})],
  ['GET', at(`${KEYSET}/channel/([^/]+)/leave`), leave],
  ['GET', at(`${KEYSET}/channel/([^/]+)/uuid/([^/]+)/data`), setState],
  ['GET', at(`${KEYSET}/channel/([^/]+)/uuid/([^/]+)`), getState],
  ['GET', at('/v2/presence/sub[-_]key/[^/]+/uuid/([^/]+)'), () => presence({ payload: { channels: [] } })],
  ['GET', at('/v2/presence/sub[-_]key/[^/]+(?:/channel/([^/]+))?'), hereNow],
  ['GET', at('/v2/history/sub-key/[^/]+/channel/([^/]+)'), history],
  ['DELETE', at('/v3/history/sub-key/[^/]+/channel/([^/]+)'), () => ({ status: 200, error: false, error_message: '' })],
  ['GET', at('/v3/history(?:-with-actions)?/sub-key/[^/]+/channel/([^/]+)'), fetchMessages],
  ['GET', at('/v3/history/sub-key/[^/]+/message-counts/([^/]+)'), countMessages],
  ['GET', at(`${KEYSET}/channel-group`), ({ groups }) => registry({ payload: { groups: [...groups.keys()] } })],
  ['GET', at(`${KEYSET}/channel-group/([^/]+)/remove`), ({ groups }, _call, group) => registry({ deleted: groups.delete(group) })],
  ['GET', at(`${KEYSET}/channel-group/([^/]+)`), channelGroup],
  ['GET', at('/v[12]/push/.*/remove'), () => [1, 'Removed Device']],
  ['GET', at('/v[12]/push/.*'), (_origin, { query }) => ('add' in query || 'remove' in query ? [1, 'Modified Channels'] : [])],
  ['GET', at(`${OBJECTS}/(?:uuids|channels)/([^/]+)/(?:channels|uuids)`), listed],
  ['PATCH', at(`${OBJECTS}/(?:uuids|channels)/([^/]+)/(?:channels|uuids)`), listed],
  ['GET', at(`${OBJECTS}/(?:uuids|channels)/([^/]+)`), (_origin, _call, id) => data({ id, name: id })],
  ['PATCH', at(`${OBJECTS}/(?:uuids|channels)/([^/]+)`), (_origin, { body }, id) => data({ ...JSON.parse(body), id })],
  ['DELETE', at(`${OBJECTS}/(?:uuids|channels)/([^/]+)`), () => data(null)],
  ['GET', at(`${OBJECTS}/(?:uuids|channels)`), listed],
  ['POST', at('/v1/message-actions/[^/]+/channel/([^/]+)/message/([^/]+)'), addAction],
  ['DELETE', at('/v1/message-actions/[^/]+/channel/([^/]+)/message/([^/]+)/action/([^/]+)'), () => data({})],
  ['GET', at('/v1/message-actions/[^/]+/channel/([^/]+)'), () => data([])],
  ['GET', at('/v1/files/publish-file/[^/]+/[^/]+/0/([^/]+)/[^/]+/(.+)'), publish],
  ['POST', at(`${FILES}/generate-upload-url`), uploadUrl],
  ['GET', at(`${FILES}/files`), () => ({ status: 200, data: [], count: 0, next: null })],
  ['GET', at(`${FILES}/files/([^/]+)/([^/]+)`), ({ host }, _call, channel, id) => ({ location: `http://${host}${STORE}${id}` })],
  ['DELETE', at(`${FILES}/files/([^/]+)/([^/]+)`), () => ({ status: 200 })],
  ['GET', at(`${STORE}.*`), () => 'meow'],
  ['POST', at(`${STORE}.*`), () => null],
];

async function subscribe({ network }, { query, who, signal }, sub, list) {
  const cursor = !query.tt || query.tt === '0' ? null : BigInt(query.tt);
  const listener = { ...who, channels: names(list), groups: names(query['channel-group'] ?? '') };
  const { timetoken, messages } = await network.poll(listener, cursor, signal);
  return { t: { t: String(timetoken), r: 12 }, m: messages.map((message) => wire(message, sub)) };
}

function wire({ channel, via, uuid, payload, timetoken }, sub) {
  return { a: '4', f: 0, i: uuid, p: { t: String(timetoken), r: 12 }, k: sub, c: channel, ...(via && { b: via }), d: payload };
}

async function publish({ network }, { query, who }, channel, text) {
  const stored = query.store !== '0' && query.store !== 'false';
  const timetoken = await network.publish({ channel, uuid: who.uuid, payload: JSON.parse(text), stored });
  return [1, 'Sent', String(timetoken)];
}

function leave({ network }, { who }) {
  network.leave(who);
  return presence({ action: 'leave' });
}

async function setState({ network }, { query }, list, uuid) {
  const state = JSON.parse(query.state);
  for (const channel of names(list)) await network.setState(channel, uuid, state);
  return presence({ payload: state });
}

function getState({ network }, _call, list, uuid) {
  const [channel, ...others] = names(list);
  if (others.length === 0) return presence({ payload: network.state(channel, uuid) ?? {}, uuid, channel });
  return presence({ payload: { channels: Object.fromEntries(names(list).map((name) => [name, {}])) }, uuid });
}

function hereNow(_origin, { query }, list = '') {
  const channels = names(list);
  if (channels.length === 1 && !query['channel-group']) return presence({ uuids: [], occupancy: 0 });
  return presence({ payload: { channels: {}, total_channels: 0, total_occupancy: 0 } });
}

function history({ network }, { query }, channel) {
  const page = network.history(channel, Number(query.count ?? 100), null);
  const entry = ({ payload, timetoken }) => (query.include_token ? { message: payload, timetoken: String(timetoken) } : payload);
  return [page.map(entry), 0, 0];
}

function fetchMessages({ network }, _call, list) {
  const entry = ({ payload, timetoken }) => ({ message: payload, timetoken: String(timetoken) });
  const page = (channel) => network.history(channel, 100, null).map(entry);
  return { status: 200, error: false, error_message: '', channels: perChannel(list, page) };
}

function countMessages({ network }, _call, list) {
  return { status: 200, error: false, error_message: '', channels: perChannel(list, (channel) => network.history(channel, 100, null).length) };
}

function perChannel(list, value) {
  return Object.fromEntries(names(list).map((channel) => [channel, value(channel)]));
}

function channelGroup({ groups }, { query }, group) {
  const channels = groups.get(group) ?? new Set();
  for (const channel of names(query.add ?? '')) channels.add(channel);
  for (const channel of names(query.remove ?? '')) channels.delete(channel);
  groups.set(group, channels);
  return registry({ payload: { channels: [...channels], group } });
}

function addAction(_origin, { body, who }, _channel, messageTimetoken) {
  return data({ ...JSON.parse(body), uuid: who.uuid, messageTimetoken, actionTimetoken: messageTimetoken });
}

function uploadUrl({ host }, { body }) {
  const { name } = JSON.parse(body);
  const upload = { url: `http://${host}${STORE}file-1`, method: 'POST', form_fields: [{ key: 'tagging', value: 'x' }] };
  return { ...data({ id: 'file-1', name }), file_upload_request: upload };
}

function names(list) {
  return list.split(',').filter((name) => name !== '');
}

function answer(response, status, body) {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'text/javascript; charset=UTF-8', 'access-control-allow-origin': '*' });
  response.end(JSON.stringify(body));
}
