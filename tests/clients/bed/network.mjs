// The realtime core behind the origin: who listens to which channel, what was said there, and who is present.

const LONGEST_POLL = 15_000;

/**
 * Sessions, messages, presence and state of one keyset, in memory. `channelsOf(group)` resolves to a group's channels;
 * a poll is held for `longestPoll` milliseconds.
 */
export class Network {
  #clock = BigInt(Date.now()) * 10_000n;
  #entries = [];
  #sessions = new Map();
  #states = new Map();
  #waiting = new Set();

  constructor(channelsOf, longestPoll = LONGEST_POLL) {
    this.channelsOf = channelsOf;
    this.longestPoll = longestPoll;
  }

  /** The newest timetoken, a 17-digit bigint. */
  get now() {
    return this.#clock;
  }

  /** Resolves to `{ timetoken, messages }` as soon as there is something after `cursor` (a bigint; null answers at once). */
  async poll(listener, cursor, signal) {
    const start = cursor ?? this.#clock;
    const session = this.#session(listener);
    await this.#refresh(session);
    if (cursor === null) return { timetoken: start, messages: [] };
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.longestPoll)]);
    while (!deadline.aborted) {
      const messages = this.#after(session, start);
      if (messages.length > 0) return { timetoken: messages.at(-1).timetoken, messages };
      await this.#news(deadline);
    }
    return { timetoken: this.#clock, messages: [] };
  }

  /** Appends a message and returns its timetoken; whoever listened before the call will read it. */
  async publish({ channel, uuid, payload, stored }) {
    await this.refresh();
    return this.#append({ channel, uuid, payload, stored });
  }

  /** Stored messages of a channel, oldest first: at most `count`, all before `start` when that is given. */
  history(channel, count, start) {
    const kept = this.#entries.filter((entry) => entry.stored && entry.channel === channel);
    return kept.filter((entry) => start === null || entry.timetoken < start).slice(-count);
  }

  /** `[{ uuid, state? }]` of those whose groups hold the channel. */
  async occupants(channel) {
    await this.refresh();
    const uuids = new Set([...this.#sessions.values()].filter((session) => attends(session, channel)).map(({ uuid }) => uuid));
    return [...uuids].map((uuid) => ({ uuid, state: this.state(channel, uuid) }));
  }

  state(channel, uuid) {
    return this.#states.get(`${channel}\n${uuid}`);
  }

  /** Replaces a user's state in a channel and announces it, whether the user is present or not. */
  async setState(channel, uuid, state) {
    await this.refresh();
    this.#states.set(`${channel}\n${uuid}`, state);
    this.#announce(channel, uuid, 'state-change', state);
  }

  /** Ends a user's session under one auth key. */
  leave(listener) {
    const session = this.#sessions.get(sessionKey(listener));
    if (!session) return;
    this.#sessions.delete(sessionKey(listener));
    for (const channel of session.places.keys()) this.#departed(session, channel);
  }

  /** Reads every group's membership anew and announces who joined or left. */
  async refresh() {
    await Promise.all([...this.#sessions.values()].map((session) => this.#refresh(session)));
  }

  #session(listener) {
    const key = sessionKey(listener);
    const session = this.#sessions.get(key) ?? { places: new Map(), turn: Promise.resolve() };
    Object.assign(session, listener);
    this.#sessions.set(key, session);
    return session;
  }

  // INVARIANT: refreshes of one session run one after another, else an older answer could undo a newer one.
  #refresh(session) {
    const renew = async () => this.#settle(session, await this.#membership(session));
    session.turn = session.turn.then(renew, renew);
    return session.turn;
  }

  async #membership({ channels, groups }) {
    const bases = [...new Set(groups.map(withoutPresence))];
    const lists = await Promise.all(bases.map((group) => this.channelsOf(group)));
    const found = new Map(channels.map((channel) => [channel, null]));
    lists.forEach((list, index) => list.forEach((channel) => found.set(channel, bases[index])));
    return found;
  }

  #settle(session, found) {
    if (this.#sessions.get(sessionKey(session)) !== session) return;
    for (const channel of [...session.places.keys()]) {
      if (found.has(channel)) continue;
      session.places.delete(channel);
      this.#departed(session, channel);
    }
    for (const [channel, group] of found) {
      if (session.places.has(channel)) continue;
      const known = this.#attended(session.uuid, channel);
      session.places.set(channel, { group, since: this.#clock });
      if (!known && attends(session, channel)) this.#announce(channel, session.uuid, 'join');
    }
  }

  #departed({ uuid }, channel) {
    if (!this.#attended(uuid, channel)) this.#announce(channel, uuid, 'leave');
  }

  #attended(uuid, channel) {
    return [...this.#sessions.values()].some((session) => session.uuid === uuid && attends(session, channel));
  }

  #announce(channel, uuid, action, data) {
    const occupancy = [...this.#sessions.values()].filter((session) => attends(session, channel)).length;
    const payload = { action, uuid, timestamp: Math.floor(Date.now() / 1000), occupancy, ...(data && { data }) };
    this.#append({ channel: `${channel}-pnpres`, uuid, payload, stored: false });
  }

  #append(entry) {
    this.#clock += 10_000n;
    this.#entries.push({ ...entry, timetoken: this.#clock });
    for (const wake of this.#waiting) wake();
    return this.#clock;
  }

  #news(signal) {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #after(session, cursor) {
    return this.#entries.filter(({ timetoken }) => timetoken > cursor).flatMap((entry) => delivery(session, entry));
  }
}

function delivery(session, entry) {
  const place = session.places.get(withoutPresence(entry.channel));
  if (!place || entry.timetoken <= place.since) return [];
  if (place.group === null) return session.channels.includes(entry.channel) ? [entry] : [];
  const via = entry.channel.endsWith('-pnpres') ? `${place.group}-pnpres` : place.group;
  return session.groups.includes(via) ? [{ ...entry, via }] : [];
}

function attends(session, channel) {
  const place = session.places.get(channel);
  return place !== undefined && (place.group === null || session.groups.includes(place.group));
}

function sessionKey({ uuid, auth }) {
  return `${uuid}\n${auth}`;
}

function withoutPresence(name) {
  return name.replace(/-pnpres$/, '');
}
