// A permission plugin of deepstream that decides nothing itself: it puts every message to Usher's policy.

const { TOPIC, RECORD_ACTION, EVENT_ACTION, RPC_ACTION, PRESENCE_ACTION } = require('@deepstream/protobuf/dist/types/all');

const SECTIONS = new Map([
  [TOPIC.RECORD, ['record', RECORD_ACTION]],
  [TOPIC.EVENT, ['event', EVENT_ACTION]],
  [TOPIC.RPC, ['rpc', RPC_ACTION]],
  [TOPIC.PRESENCE, ['presence', PRESENCE_ACTION]],
]);

module.exports = class AskUsher {
  description = 'asks Usher';

  constructor({ url }) {
    this.url = url;
  }

  init() {}
  async whenReady() {}
  async close() {}
  setRecordHandler() {}

  canPerformAction(socket, message, callback, passItOn) {
    const answer = (error, allowed) => callback(socket, message, passItOn, error, allowed);
    this.allows(socket, message).then((allowed) => answer(null, allowed), (error) => answer(String(error), false));
  }

  async allows(socket, message) {
    const [section, actions] = SECTIONS.get(message.topic) ?? [];
    if (!section) return false;
    const question = { section, action: actions[message.action], user: { id: socket.userId, data: socket.serverData ?? null } };
    if (message.data !== undefined) question.data = JSON.parse(message.data);
    if (message.path !== undefined) question.path = message.path;
    const names = message.names?.length ? message.names : [message.name];
    const questions = names.map((name) => ({ ...question, name: String(name) }));
    const response = await fetch(this.url, { method: 'POST', body: JSON.stringify({ questions }) });
    if (response.status !== 200) throw new Error(await response.text());
    const { answers } = await response.json();
    return answers.every(({ allowed }) => allowed);
  }
};
