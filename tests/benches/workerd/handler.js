// The route `connect` of the chat-engine function for workerd: the same checks, grants and answer, kept in memory.
const grants = new Map();
const groups = new Map();
const cors = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "Origin, X-Requested-With, Content-Type, Accept",
  "access-control-allow-methods": "GET, POST, OPTIONS, PUT, DELETE",
  "content-type": "application/json; charset=utf-8",
};
const illegal = /[,*#/\s\u0000-\u001f\u007f]/;
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
    if (url.searchParams.get("route") !== "connect") return refuse(404, "Invalid route");
    try {
      return connect(JSON.parse(await request.text()));
    } catch {
      return refuse(400, "Invalid JSON");
    }
  },
};
