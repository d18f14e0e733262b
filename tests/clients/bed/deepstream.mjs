// Real deepstream servers and clients, in this process: login asked of Usher's webhook, permissions by Valve or by a plugin that asks Usher.

import { once } from 'node:events';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { Deepstream } = require('@deepstream/server');
const { DeepstreamClient } = require('@deepstream/client');

const ANYTHING = { record: { '*': { create: true, read: true, write: true, delete: true, listen: true, notify: true } }, event: { '*': { publish: true, subscribe: true, listen: true } }, rpc: { '*': { provide: true, request: true } }, presence: { '*': { allow: true } } };

/** deepstream's own handler with a Valve document. */
export function valve(permissions = ANYTHING) {
  return { type: 'config', options: { permissions, maxRuleIterations: 3, cacheEvacuationInterval: 60_000 } };
}

/** A plugin that asks `url` about everything. */
export function asking(url) {
  return { path: fileURLToPath(new URL('permissions.cjs', import.meta.url)), options: { url } };
}

/** Starts a deepstream server whose logins go to `webhook`, with `more` options of that. Resolves to `{ connect(authData), stop() }`. */
export async function startDeepstream(webhook, permission = valve(), more = {}) {
  const port = await freePort();
  const server = new Deepstream({
    logLevel: 100,
    showLogo: false,
    httpServer: { type: 'default', options: { host: '127.0.0.1', port, healthCheckPath: '/health-check', allowAllOrigins: true, origins: [], maxMessageSize: 1_048_576, headers: [] } },
    connectionEndpoints: [{ type: 'ws-binary', options: { urlPath: '/deepstream' } }],
    auth: [{ type: 'http', options: { endpointUrl: webhook, permittedStatusCodes: [200], requestTimeout: 2_000, retryStatusCodes: [404, 504], retryAttempts: 3, retryInterval: 5_000, reportInvalidParameters: true, ...more } }],
    permission,
  });
  const started = once(server, 'started');
  server.start();
  await started;
  const clients = [];
  return {
    /** A client with its outcome: `{ client, clientData }`, or `{ client, reason }` of a refusal. */
    async connect(authData) {
      const client = new DeepstreamClient(`ws://127.0.0.1:${port}/deepstream`, { maxReconnectAttempts: 0 });
      const errors = [];
      client.on('error', (error, event) => errors.push(event));
      clients.push(client);
      try {
        return { client, errors, clientData: await client.login(authData) };
      } catch (refused) {
        return { client, errors, reason: refused.reason };
      }
    },
    async stop() {
      for (const client of clients) client.close();
      await server.stop();
    },
  };
}

async function freePort() {
  const probe = createServer();
  await new Promise((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address();
  await new Promise((closed) => probe.close(closed));
  return port;
}
