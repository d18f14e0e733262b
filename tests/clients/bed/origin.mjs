// A realtime origin: the slice of the data plane that the chat-engine clients use, every request held against Usher's grants.

import { createServer } from 'node:http';
import { once } from 'node:events';

import { Network } from './network.mjs';

const MEMBERSHIP_INTERVAL = 150;

/** Starts an origin that asks `admin` about rights and group members. Resolves to `{ host, close }`. */
export async function startOrigin(admin) {
  const network = new Network((group) => admin.channelsOf(group));
  const closing = new AbortController();
  const origin = { admin, network, closing: closing.signal };
  const server = createServer((request, response) => serve(origin, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Usher does not tell the origin when a group changes, so the origin looks.
  const timer = setInterval(() => network.refresh().catch(() => {}), MEMBERSHIP_INTERVAL);
  const close = () => {
    closing.abort();
    clearInterval(timer);
    server.closeAllConnections();
    server.close();
  };
  return { host: `127.0.0.1:${server.address().port}`, close };
}

async function serve(origin, request, response) {
  const call = parse(request, response);
  try {
    const operation = operations.find(({ path }) => path.test(call.path));
    if (!operation) return answer(response, 404, { status: 404, error: true, message: 'unknown operation' });
    const parts = operation.path.exec(call.path).slice(1);
    const denied = await refusals(origin.admin, call, operation.needs(call, ...parts));
    if (denied) return answer(response, 403, denied);
    answer(response, 200, await operation.run(origin.network, call, ...parts));
  } catch (error) {
    if (origin.closing.aborted) return;
    console.error(`origin: ${call.path}: ${error.stack}`);
    answer(response, 500, { status: 500, error: true, message: error.message });
  }
}

function parse(request, response) {
  const url = new URL(request.url, 'http://origin');
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const query = Object.fromEntries(url.searchParams);
  return {
    path: url.pathname,
    query,
    who: { auth: query.auth ?? '', uuid: query.uuid ?? '' },
    groups: names(query['channel-group'] ?? ''),
    signal: gone.signal,
  };
}

const channel = (permission, list) => list.map((name) => ({ kind: 'channel', name, permission }));
const group = (permission, list) => list.map((name) => ({ kind: 'group', name, permission }));
const listening = ({ groups }, _sub, list) => [...channel('read', segments(list)), ...group('read', groups)];
const reading = (_call, _sub, list) => channel('read', segments(list));
const nothing = () => [];

const operations = [
  {
    path: /^\/time\/0$/,
    needs: nothing,
    run: (network) => [Number(network.now)],
  },
  {
    path: /^\/v2\/subscribe\/([^/]+)\/([^/]+)\/[^/]+$/,
    needs: listening,
    run: subscribe,
  },
  {
    path: /^\/publish\/[^/]+\/([^/]+)\/0\/([^/]+)\/[^/]+\/(.+)$/,
    needs: (_call, _sub, name) => channel('write', [decodeURIComponent(name)]),
    run: publish,
  },
  {
    path: /^\/v2\/presence\/sub-key\/([^/]+)\/channel\/([^/]+)\/leave$/,
    needs: nothing,
    run: (network, { who }) => {
      network.leave(who);
      return presence({ action: 'leave' });
    },
  },
  {
    path: /^\/v2\/presence\/sub-key\/([^/]+)\/channel\/([^/]+)\/heartbeat$/,
    needs: listening,
    run: () => presence({}),
  },
  {
    path: /^\/v2\/presence\/sub-key\/([^/]+)\/channel\/([^/]+)\/uuid\/([^/]+)\/data$/,
    needs: reading,
    run: setState,
  },
  {
    path: /^\/v2\/presence\/sub-key\/([^/]+)\/channel\/([^/]+)\/uuid\/([^/]+)$/,
    needs: reading,
    run: (network, _call, _sub, name, uuid) => {
      const [where, user] = [decodeURIComponent(name), decodeURIComponent(uuid)];
      return presence({ payload: network.state(where, user) ?? {}, uuid: user, channel: where });
    },
  },
  {
    path: /^\/v2\/presence\/sub-key\/([^/]+)\/channel\/([^/]+)$/,
    needs: listening,
    run: hereNow,
  },
  {
    path: /^\/v2\/history\/sub-key\/([^/]+)\/channel\/([^/]+)$/,
    needs: reading,
    run: history,
  },
  {
    path: /^\/v1\/channel-registration\/sub-key\/([^/]+)\/channel-group\/([^/]+)$/,
    // The recorded service let a client list its groups with read alone; changing them takes manage.
    needs: ({ query }, _sub, name) => group(query.add || query.remove ? 'manage' : 'read', [decodeURIComponent(name)]),
    run: listGroup,
  },
];

async function subscribe(network, { query, who, groups, signal }, sub, list) {
  const cursor = !query.tt || query.tt === '0' ? null : BigInt(query.tt);
  const { timetoken, messages } = await network.poll({ ...who, channels: segments(list), groups }, cursor, signal);
  return { t: { t: String(timetoken), r: 1 }, m: messages.map((message) => wire(message, sub)) };
}

function wire({ channel: name, via, uuid, payload, timetoken }, sub) {
  return { a: '1', f: 0, i: uuid, p: { t: String(timetoken), r: 1 }, k: sub, c: name, ...(via && { b: via }), d: payload };
}

async function publish(network, { query, who }, _sub, name, message) {
  const payload = JSON.parse(decodeURIComponent(message));
  const stored = query.store !== '0';
  const timetoken = await network.publish({ channel: decodeURIComponent(name), uuid: who.uuid, payload, stored });
  return [1, 'Sent', String(timetoken)];
}

async function setState(network, { query }, _sub, list, uuid) {
  const state = JSON.parse(query.state);
  for (const name of segments(list)) await network.setState(name, decodeURIComponent(uuid), state);
  return presence({ payload: state });
}

async function hereNow(network, _call, _sub, name) {
  const uuids = await network.occupants(decodeURIComponent(name));
  return presence({ occupancy: uuids.length, uuids });
}

function history(network, { query }, _sub, name) {
  const start = query.start && query.start !== '0' ? BigInt(query.start) : null;
  const page = network.history(decodeURIComponent(name), Number(query.count ?? 100), start);
  const messages = page.map(({ payload, timetoken }) => ({ message: payload, timetoken: String(timetoken) }));
  return [messages, messages.at(0)?.timetoken ?? '0', messages.at(-1)?.timetoken ?? '0'];
}

async function listGroup(network, { query }, _sub, name) {
  if (query.add || query.remove) throw new Error('groups are changed through Usher');
  const list = await network.channelsOf(decodeURIComponent(name));
  const payload = { channels: list, group: decodeURIComponent(name) };
  return { status: 200, payload, service: 'channel-registry', error: false };
}

async function refusals(admin, { who }, needs) {
  const verdicts = await Promise.all(needs.map((need) => admin.allows({ ...who, ...need })));
  const denied = needs.filter((_need, index) => !verdicts[index]);
  if (denied.length === 0) return null;
  const channels = denied.filter(({ kind }) => kind === 'channel').map(({ name }) => name);
  const groups = denied.filter(({ kind }) => kind === 'group').map(({ name }) => `:${name}`);
  const payload = { ...(channels.length && { channels }), ...(groups.length && { 'channel-groups': groups }) };
  return { message: 'Forbidden', payload, error: true, service: 'Access Manager', status: 403 };
}

function presence(body) {
  return { status: 200, message: 'OK', service: 'Presence', ...body };
}

function segments(list) {
  return names(decodeURIComponent(list));
}

function names(list) {
  return list.split(',').filter((name) => name !== '');
}

function answer(response, status, body) {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'text/javascript; charset=UTF-8', 'access-control-allow-origin': '*' });
  response.end(JSON.stringify(body));
}
