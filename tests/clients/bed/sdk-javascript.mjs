// PubNub's JavaScript SDK, unmodified, behind the verbs of bed/sdks.mjs.

import { EventEmitter } from 'node:events';

import PubNub from 'pubnub-12';

import { Refused } from './refused.mjs';

/** Starts nothing: the SDK runs in this process. */
export async function startJavascript() {
  const clients = [];
  const client = (settings) => {
    const made = new JavascriptClient(settings);
    clients.push(made);
    return made;
  };
  return { client, stop: async () => clients.forEach((made) => made.stop()) };
}

class JavascriptClient {
  #pubnub;

  constructor({ subscribeKey, publishKey, secretKey, origin, uuid, token, authKey }) {
    this.#pubnub = new PubNub({
      subscribeKey,
      publishKey,
      ...(secretKey && { secretKey }),
      ...(authKey && { authKey }),
      origin,
      ssl: false,
      userId: uuid,
      enableEventEngine: true,
      retryConfiguration: PubNub.NoneRetryPolicy(),
      logLevel: PubNub.LogLevel.None,
    });
    if (token) this.#pubnub.setToken(token);
  }

  async call(verb, settings = {}) {
    try {
      return await verbs[verb](this.#pubnub, settings);
    } catch (error) {
      const { statusCode, errorData } = error.status ?? {};
      if (!statusCode) throw error;
      throw new Refused(statusCode, errorData, `${verb}: ${error.message}`);
    }
  }

  listen({ channels = [], groups = [] }) {
    const heard = new EventEmitter();
    this.#pubnub.addListener({
      status: ({ category, error }) => {
        if (category === 'PNConnectedCategory') heard.emit('connected');
        if (error === 'PNAccessDeniedCategory') heard.emit('denied');
      },
      message: ({ channel, message, publisher }) => heard.emit('message', { channel, message, publisher }),
    });
    this.#pubnub.subscribe({ channels, channelGroups: groups });
    return heard;
  }

  stop() {
    this.#pubnub.destroy(true);
  }
}

const flags = (permissions) => Object.fromEntries(permissions.map((word) => [word, true]));
const eachFlagged = (entries = {}) => Object.fromEntries(Object.entries(entries).map(([name, words]) => [name, flags(words)]));
const permits = ({ channels, groups, uuids } = {}) => ({
  channels: eachFlagged(channels),
  groups: eachFlagged(groups),
  uuids: eachFlagged(uuids),
});

const device = { device: 'device-1', pushGateway: 'fcm' };
const file = { id: 'file-1', name: 'cat.txt' };

const verbs = {
  grantToken: (pubnub, { ttl, uuid, resources, patterns, meta }) =>
    pubnub.grantToken({ ttl, authorized_uuid: uuid, resources: permits(resources), patterns: permits(patterns), meta }),
  revokeToken: async (pubnub, { token }) => void (await pubnub.revokeToken(token)),
  parseToken: (pubnub, { token }) => parsed(pubnub.parseToken(token)),
  grant: (pubnub, { channels, groups, uuids, keys, permissions, ttl }) =>
    pubnub.grant({ channels, channelGroups: groups, uuids, authKeys: keys, ttl, ...flags(permissions) }),
  audit: (pubnub, { channel, group, keys }) => pubnub.audit({ channel, channelGroup: group, authKeys: keys }),

  time: (pubnub) => pubnub.time(),
  publish: (pubnub, { channel, message }) => pubnub.publish({ channel, message }),
  publishBody: (pubnub, { channel, message }) => pubnub.publish({ channel, message, sendByPost: true }),
  publishPacked: (pubnub, { channel, message }) => pubnub.publish({ channel, message, sendByPost: true }),
  fire: (pubnub, { channel, message }) => called((done) => pubnub.fire({ channel, message }, done)),
  signal: (pubnub, { channel, message }) => pubnub.signal({ channel, message }),
  hereNow: (pubnub, { channels, groups = [] }) => pubnub.hereNow({ channels, channelGroups: groups }),
  hereNowEverywhere: (pubnub) => pubnub.hereNow({}),
  whereNow: (pubnub, { uuid }) => pubnub.whereNow({ uuid }),
  getState: (pubnub, { channels }) => pubnub.getState({ channels }),
  setState: (pubnub, { channels, state }) => pubnub.setState({ channels, state }),
  history: async (pubnub, { channel }) => (await pubnub.history({ channel, count: 100 })).messages.map(({ entry }) => entry),
  fetchMessages: (pubnub, { channels }) => pubnub.fetchMessages({ channels }),
  fetchMessagesWithActions: (pubnub, { channel }) => pubnub.fetchMessages({ channels: [channel], includeMessageActions: true }),
  countMessages: (pubnub, { channels }) => pubnub.messageCounts({ channels, channelTimetokens: ['17000000000000000'] }),
  deleteMessages: (pubnub, { channel }) => pubnub.deleteMessages({ channel }),

  addToGroup: (pubnub, { group, channels }) => pubnub.channelGroups.addChannels({ channelGroup: group, channels }),
  removeFromGroup: (pubnub, { group, channels }) => pubnub.channelGroups.removeChannels({ channelGroup: group, channels }),
  listGroup: async (pubnub, { group }) => (await pubnub.channelGroups.listChannels({ channelGroup: group })).channels,
  deleteGroup: (pubnub, { group }) => pubnub.channelGroups.deleteGroup({ channelGroup: group }),

  getUuid: (pubnub, { uuid }) => pubnub.objects.getUUIDMetadata({ uuid }),
  setUuid: (pubnub, { uuid }) => pubnub.objects.setUUIDMetadata({ uuid, data: { name: 'Alice' } }),
  removeUuid: (pubnub, { uuid }) => pubnub.objects.removeUUIDMetadata({ uuid }),
  listUuids: (pubnub) => pubnub.objects.getAllUUIDMetadata(),
  getChannel: (pubnub, { channel }) => pubnub.objects.getChannelMetadata({ channel }),
  setChannel: (pubnub, { channel }) => pubnub.objects.setChannelMetadata({ channel, data: { name: 'Room' } }),
  removeChannel: (pubnub, { channel }) => pubnub.objects.removeChannelMetadata({ channel }),
  listChannels: (pubnub) => pubnub.objects.getAllChannelMetadata(),
  getMemberships: (pubnub, { uuid }) => pubnub.objects.getMemberships({ uuid }),
  setMemberships: (pubnub, { uuid, channels }) => pubnub.objects.setMemberships({ uuid, channels }),
  removeMemberships: (pubnub, { uuid, channels }) => pubnub.objects.removeMemberships({ uuid, channels }),
  getMembers: (pubnub, { channel }) => pubnub.objects.getChannelMembers({ channel }),
  setMembers: (pubnub, { channel, uuids }) => pubnub.objects.setChannelMembers({ channel, uuids }),
  removeMembers: (pubnub, { channel, uuids }) => pubnub.objects.removeChannelMembers({ channel, uuids }),

  addAction: (pubnub, { channel, timetoken }) =>
    pubnub.addMessageAction({ channel, messageTimetoken: timetoken, action: { type: 'reaction', value: 'smile' } }),
  removeAction: (pubnub, { channel, timetoken }) =>
    pubnub.removeMessageAction({ channel, messageTimetoken: timetoken, actionTimetoken: timetoken }),
  getActions: (pubnub, { channel }) => pubnub.getMessageActions({ channel }),

  addPush: (pubnub, { channels }) => pubnub.push.addChannels({ ...device, channels }),
  removePush: (pubnub, { channels }) => pubnub.push.removeChannels({ ...device, channels }),
  listPush: (pubnub) => pubnub.push.listChannels(device),
  removeDevice: (pubnub) => pubnub.push.deleteDevice(device),

  listFiles: (pubnub, { channel }) => pubnub.listFiles({ channel }),
  sendFile: (pubnub, { channel }) => pubnub.sendFile({ channel, file: { data: 'meow', name: file.name, mimeType: 'text/plain' } }),
  downloadFile: (pubnub, { channel }) => pubnub.downloadFile({ channel, ...file }),
  deleteFile: (pubnub, { channel }) => pubnub.deleteFile({ channel, ...file }),
};

// The promise of a deprecated verb resolves whatever was answered; its callback is told.
function called(call) {
  return new Promise((resolve, reject) => {
    call((status, value) => (status.error ? reject(Object.assign(new Error(status.category), { status })) : resolve(value)));
  });
}

function parsed(token) {
  if (!token) return null;
  const { version, timestamp, ttl, authorized_uuid: uuid = null, resources = {}, patterns = {}, meta = {} } = token;
  return { version, timestamp, ttl, uuid, resources: worded(resources), patterns: worded(patterns), meta };
}

function worded({ channels = {}, groups = {}, uuids = {} }) {
  const held = (allowed) => Object.keys(allowed).filter((word) => allowed[word]).sort();
  const each = (entries) => Object.fromEntries(Object.entries(entries).map(([name, allowed]) => [name, held(allowed)]));
  return { channels: each(channels), groups: each(groups), uuids: each(uuids) };
}
