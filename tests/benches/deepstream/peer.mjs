// deepstream's own permission handler, unmodified, asked in turns: a line of JSON on stdin is a turn, a line on stdout its rate.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const server = "@deepstream/server/dist/src";
const { ConfigPermission } = require(`${server}/services/permission/valve/config-permission.js`);
const { LocalCache } = require(`${server}/services/cache/local-cache.js`);
const { parseData } = require("@deepstream/protobuf/dist/src/message-parser.js");
const { TOPIC, RECORD_ACTION, EVENT_ACTION, RPC_ACTION } = require(`${server}/constants.js`);

const ACTIONS = { record: RECORD_ACTION, event: EVENT_ACTION, rpc: RPC_ACTION };
/** Questions that wait for records at a time; more bring the handler no further. */
const UNDER_WAY = 32;
const given = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8"));

const quiet = () => {};
const logger = { fatal: (...told) => { throw new Error(told.join(" ")); }, error: quiet, warn: quiet, info: quiet, debug: quiet };
const cache = new LocalCache({}, {}, {});
for (const [name, record] of Object.entries(given.records)) cache.set(name, 1, record, quiet);

/** The handler on a document, with its own options as the server has them. */
function handler(permissions) {
  const options = { permissions, maxRuleIterations: 3, cacheEvacuationInterval: 60000 };
  const services = { logger: { ...logger, getNameSpace: () => logger }, cache, storage: cache };
  const config = { record: { storageExclusionPrefixes: [], cacheRetrievalTimeout: 1000, storageRetrievalTimeout: 2000 } };
  const permission = new ConfigPermission(options, services, config);
  permission.setRecordHandler({ runWhenRecordStable: (name, run) => run(name), removeRecordRequest: quiet });
  return permission;
}

/** A question, to be asked with a message of its own each time. */
function question(asked) {
  const message = { topic: TOPIC[asked.topic.toUpperCase()], action: ACTIONS[asked.topic][asked.action], data: asked.data };
  if (message.topic === undefined || message.action === undefined) throw new Error(`unknown action ${asked.action}`);
  return { ...asked, message, socket: { userId: asked.user, serverData: null, parseData } };
}

function ask(permission, { message, socket }, name, answered) {
  const fresh = { topic: message.topic, action: message.action, name, data: message.data };
  permission.canPerformAction(socket, fresh, answered, {});
}

/** Asks questions in turn that are answered before the call returns. */
function askAtOnce(permission, questions, names, milliseconds) {
  let answers = 0;
  const answered = () => answers++;
  const start = performance.now();
  let asked = 0;
  while (performance.now() - start < milliseconds) {
    for (let n = 0; n < 1000; n++, asked++) {
      const next = questions[asked % questions.length];
      ask(permission, next, names === undefined ? next.name : names(asked), answered);
    }
  }
  const rate = (answers / (performance.now() - start)) * 1000;
  if (answers !== asked) throw new Error(`${asked - answers} questions wait`);
  return rate;
}

/** Asks questions that wait for records, some of them at a time. */
function askMany(permission, questions, milliseconds) {
  const start = performance.now();
  let answers = 0, asked = 0, under = 0;
  return new Promise((resolve) => {
    const answered = () => {
      answers++;
      under--;
      if (performance.now() - start < milliseconds) next();
      else if (under === 0) resolve((answers / (performance.now() - start)) * 1000);
    };
    const next = () => {
      under++;
      const { [asked++ % questions.length]: one } = questions;
      ask(permission, one, one.name, answered);
    };
    for (let n = 0; n < UNDER_WAY; n++) next();
  });
}

/** Every case is to be decided as it says before it is measured. */
function check(permission, asked) {
  return new Promise((resolve, reject) => {
    ask(permission, asked, asked.name, (socket, message, passItOn, error, result) => {
      const decided = error === null && result ? "allow" : "deny";
      decided === asked.expected ? resolve() : reject(new Error(`${asked.name}: ${decided} and not ${asked.expected}`));
    });
  });
}

const seed = handler(given.permissions);
const groups = {};
for (const group of ["plain", "payloads", "oldData", "crossReference"]) {
  groups[group] = given[group].map(question);
  for (const one of groups[group]) await check(seed, one);
}
groups.mix = [...groups.plain, ...groups.payloads];

const unseen = { count: 0, permissions: undefined, paths: 0 };

for await (const line of createInterface({ input: process.stdin })) {
  const { group, paths, permissions, milliseconds } = JSON.parse(line);
  let rate;
  if (group === "unseen") {
    if (unseen.paths !== paths) Object.assign(unseen, { paths, permissions: handler(permissions) });
    const emit = question({ topic: "event", action: "EMIT", user: "alice" });
    rate = askAtOnce(unseen.permissions, [emit], (n) => `room-${n % paths}/user-${unseen.count++}`, milliseconds);
  } else if (group === "oldData" || group === "crossReference") {
    rate = await askMany(seed, groups[group], milliseconds);
  } else {
    rate = askAtOnce(seed, groups[group], undefined, milliseconds);
  }
  console.log(JSON.stringify({ rate }));
}
process.exit(0);
