// A permission plugin of deepstream that decides nothing itself: it puts every message to Usher's policy.

const { TOPIC, RECORD_ACTION, EVENT_ACTION, RPC_ACTION, PRESENCE_ACTION } = require('@deepstream/protobuf/dist/types/all');

const SECTIONS = new Map([
  [TOPIC.RECORD, ['record', RECORD_ACTION]],
  [TOPIC.EVENT, ['event', EVENT_ACTION]],
  [TOPIC.RPC, ['rpc', RPC_ACTION]],
  [TOPIC.PRESENCE, ['presence', PRESENCE_ACTION]],
]);

/** How often a question is asked with more records: a rule may look one up by what another says. */
const MOST_ROUNDS = 5;

module.exports = class AskUsher {
  description = 'asks Usher';

  constructor({ url }, services) {
    const { origin, pathname, username, password } = new URL(url);
    this.url = origin + pathname;
    this.headers = password ? { authorization: `Basic ${btoa(`${username}:${decodeURIComponent(password)}`)}` } : {};
    this.services = services;
  }

  init() {}
  async whenReady() {}
  async close() {}
  setRecordHandler() {}

  canPerformAction(socket, message, callback, passItOn) {
    const answer = (error, allowed) => {
      if (!allowed) putLast(passItOn?.originalMessage?.names, message.name);
      callback(socket, message, passItOn, error, allowed);
    };
    this.allows(socket, message).then((allowed) => answer(null, allowed), (error) => answer(String(error), false));
  }

  async allows(socket, message) {
    const [section, actions] = SECTIONS.get(message.topic) ?? [];
    if (!section) return false;
    const user = { id: socket.userId, data: socket.serverData ?? null };
    const question = { section, action: actions[message.action], name: String(message.name), user, ...payload(message) };
    const records = Object.create(null);
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const { allowed, wanted } = await this.ask({ ...question, records, askBack: true });
      if (!wanted) return allowed;
      await Promise.all(wanted.map(async (name) => (records[name] = await this.stored(name))));
    }
    throw new Error(`more than ${MOST_ROUNDS} rounds of records`);
  }

  async ask(question) {
    const response = await fetch(this.url, { method: 'POST', headers: this.headers, body: JSON.stringify(question) });
    if (response.status !== 200) throw new Error(await response.text());
    return response.json();
  }

  /** What deepstream holds of a record, `null` for nothing. */
  async stored(name) {
    const { cache, storage } = this.services;
    for (const store of [cache, storage]) {
      const data = await new Promise((found, fail) => store.get(name, (error, _version, data) => (error ? fail(new Error(error)) : found(data))));
      if (data) return data;
    }
    return null;
  }
};

function payload({ data, path }) {
  const where = path === undefined ? {} : { path };
  if (!data?.length) return where;
  try {
    return { ...where, data: JSON.parse(data) };
  } catch {
    return { ...where, rawData: String(data) };
  }
}

/** Of several names in one message, deepstream 7.0.2 takes out the last for one that is refused, whichever it is: so it had better be the last. */
function putLast(names, name) {
  const at = names?.indexOf(name) ?? -1;
  if (at >= 0) names.push(...names.splice(at, 1));
}
