// The two published generations of the chat-engine client, unmodified, behind one set of verbs.

import newer from 'chat-engine-0-10';
import older from 'chat-engine-0-9';

// The clients' HTTP library obeys these even for loopback addresses.
for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY']) delete process.env[name];

/** 0.10.13: sends `namespace`; the global chat is one public chat among others. */
export const newerGeneration = {
  name: 'chat-engine 0.10.13',
  namespaceKey: 'namespace',
  create: (keys, settings) => newer.create(keys, settings),
  connect: (engine, uuid, authKey, state) => engine.connect(uuid, authKey, state),
  chat: (engine, name, { isPrivate = false, meta = {} } = {}) => new engine.Chat(name, { isPrivate, meta }),
  stateOf: (user, chat) => user.state(chat),
  globalChannel: (namespace) => `${namespace}#chat#public.#global`,
  handshakeError: '$.error.connection.handshake',
  refusal: (namespace) => ({ status: 400, text: `Illegal ChatEngine \`namespace\`: ${namespace} initialized.` }),
};

/** 0.9.21: sends `global`; the global chat is the bare namespace; positional arguments; `$.error.auth` for chats too. */
export const olderGeneration = {
  name: 'chat-engine 0.9.21',
  namespaceKey: 'global',
  create: (keys, { namespace, ...settings }) => older.create(keys, { globalChannel: namespace, ...settings }),
  connect: (engine, uuid, authKey, state) => engine.connect(uuid, state, authKey),
  chat: (engine, name, { isPrivate = false, meta = {} } = {}) => new engine.Chat(name, isPrivate, true, meta),
  stateOf: (user) => user.state,
  globalChannel: (namespace) => namespace,
  handshakeError: '$.error.auth',
  refusal: () => ({ status: 401, text: 'Bad global channel' }),
};

export const generations = [newerGeneration, olderGeneration];
