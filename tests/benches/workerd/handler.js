// The route `connect` of the chat-engine function for workerd: the same checks, grants and answer, kept in memory.
const grants = new Map();
const groups = new Map();
const cors = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "Origin, X-Requested-With, Content-Type, Accept",
  "access-control-allow-methods": "GET, POST, OPTIONS, PUT, DELETE",
  "access-control-expose-headers": "X-Request-Id, Retry-After",
  "content-type": "application/json; charset=utf-8",
};
const illegal =
  /[,*#/\s\p{Cc}\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]/u;
const isResource = (name) => name.length > 0 && name.length <= 260 && !/[,\p{Cc}]/u.test(name);
const isName = (text, longest) => typeof text === "string" && text.length > 0 && text.length <= longest && !illegal.test(text);
const refuse = (status, text) => new Response(text, { status, headers: { ...cors, "content-type": "text/plain; charset=utf-8" } });

// The ceiling of functions/chat-engine/function.toml: what may ever be granted, and how much of it (1 read, 2 write).
const ceiling = [
  ["channel", ["${namespace}", "${namespace}#chat#public.*"], 3],
  ["channel", ["${namespace}#chat#private.#*"], 3],
  ["channel", ["${namespace}#user#${uuid}#me.*", "${namespace}#user#${uuid}#read.*", "${namespace}#user#${uuid}#write.*"], 3],
  ["channel", ["${namespace}#user#*#read.#*"], 1],
  ["channel", ["${namespace}#user#*#write.#*"], 2],
  ["channel", ["${namespace}-pnpres"], 1],
  ["group", ["${namespace}#${uuid}#*"], 1],
].map(([kind, templates, most]) => ({ kind, most, templates: templates.map((text) => text.split(/(\$\{\w+\}|\*)/).filter(Boolean)) }));

function fits(pieces, at, name, bindings) {
  if (at === pieces.length) return name === "";
  const piece = pieces[at];
  if (piece !== "*") {
    const text = piece.startsWith("${") ? bindings[piece.slice(2, -1)] : piece;
    return name.startsWith(text) && fits(pieces, at + 1, name.slice(text.length), bindings);
  }
  if (at === pieces.length - 1) return true;
  for (let end = 1; end <= name.length && name[end - 1] !== "#"; end++) {
    if (fits(pieces, at + 1, name.slice(end), bindings)) return true;
  }
  return false;
}

function within(names, kind, permissions, bindings) {
  for (const name of names) {
    if (!isResource(name)) return false;
    let most = 0;
    for (const rule of ceiling) {
      if (rule.kind === kind && rule.templates.some((pieces) => fits(pieces, 0, name, bindings))) most |= rule.most;
    }
    if ((permissions & ~most) !== 0) return false;
  }
  return true;
}

function grant(names, kind, authKey, permissions, expires) {
  for (const name of names) grants.set(`${kind}\0${name}\0${authKey}`, { permissions, expires });
}

function join(group, channels) {
  let members = groups.get(group);
  if (!members) groups.set(group, (members = new Set()));
  for (const channel of channels) members.add(channel);
}

function connect(body) {
  const { uuid, namespace, authKey } = body;
  if (namespace !== "demo") return refuse(400, `Illegal ChatEngine \`namespace\`: ${namespace} initialized.`);
  if (!isName(uuid, 64)) return refuse(401, "UUID must be a string");
  if (!isName(authKey, 512)) return refuse(401, "authKey must be a string");
  const user = `${namespace}#user#${uuid}`;
  const global = `${namespace}#chat#public.#global`;
  const write = [namespace, `${namespace}#chat#public.*`, `${user}#me.*`, `${user}#read.*`, `${user}#write.*`, global];
  const read = [`${namespace}-pnpres`, `${global}-pnpres`];
  const own = ["rooms", "system", "custom"].map((name) => `${namespace}#${uuid}#${name}`);
  const readGroups = own.flatMap((name) => [name, `${name}-pnpres`]);
  const expires = Math.floor(Date.now() / 1000) + 86400;
  const bindings = { namespace, uuid };
  if (!within(write, "channel", 3, bindings) || !within(read, "channel", 1, bindings) || !within(readGroups, "group", 1, bindings)) {
    return refuse(403, "Invalid Grant");
  }
  grant(write, "channel", authKey, 3, expires);
  grant(read, "channel", authKey, 1, expires);
  grant(readGroups, "group", authKey, 1, expires);
  const joined = [global, `${user}#read.#feed`, `${user}#write.#direct`];
  if (own.some((group) => group.length > 90) || !within(joined, "channel", 0, bindings)) return refuse(403, "Forbidden");
  join(own[2], [global]);
  join(own[1], [`${user}#read.#feed`, `${user}#write.#direct`]);
  const answer = {
    uuid,
    namespace,
    grants: [
      { channels: write, permissions: ["read", "write"] },
      { channels: read, groups: readGroups, permissions: ["read"] },
    ],
    expires,
    clientData: null,
  };
  return new Response(JSON.stringify(answer), { headers: cors });
}

export default {
  async fetch(request) {
    const url = new URL(request.url);
    const routes = url.searchParams.getAll("route");
    if (routes.length !== 1 || routes[0] !== "connect") return refuse(404, "Invalid route");
    try {
      return connect(JSON.parse(await request.text()));
    } catch {
      return refuse(400, "Invalid JSON");
    }
  },
};
