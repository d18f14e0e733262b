// PubNub's Python SDK, unmodified, in a child process behind the verbs of bed/sdks.mjs; python/driver.py is the other end.

import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { Refused } from './refused.mjs';

const folder = fileURLToPath(new URL('../python/', import.meta.url));

/** Starts the Python process that all clients of a test file share. */
export async function startPython() {
  const driver = new Driver();
  let count = 0;
  return { client: (settings) => new PythonClient(driver, `c${(count += 1)}`, settings), stop: async () => driver.stop() };
}

class PythonClient {
  #driver;
  #name;
  #opened;

  constructor(driver, name, settings) {
    this.#driver = driver;
    this.#name = name;
    this.#opened = driver.ask(name, 'open', settings);
  }

  async call(verb, settings = {}) {
    await this.#opened;
    return this.#driver.ask(this.#name, verb, settings);
  }

  listen(places) {
    const heard = this.#driver.earOf(this.#name);
    this.call('listen', places).catch((error) => heard.emit('error', error));
    return heard;
  }

  async stop() {
    await this.call('close');
  }
}

class Driver {
  #child;
  #count = 0;
  #waiting = new Map();
  #ears = new Map();
  #log = [];

  constructor() {
    this.#child = spawn(`${folder}.venv/bin/python`, [`${folder}driver.py`], { env: unproxied(process.env) });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => this.#log.push(text));
    this.#child.once('error', (error) => this.#end(error));
    this.#child.once('exit', (code, signal) => this.#end(new Error(`python ended (${code ?? signal}):\n${this.#log.join('')}`)));
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(JSON.parse(line)));
    process.once('exit', () => this.#child.kill('SIGKILL'));
  }

  /** Resolves to what the SDK returned; rejects with a {@link Refused} when the answer was an error. */
  ask(client, verb, settings) {
    return new Promise((resolve, reject) => {
      const id = (this.#count += 1);
      this.#waiting.set(id, { resolve, reject, verb });
      this.#child.stdin.write(`${JSON.stringify({ id, client, verb, settings })}\n`);
    });
  }

  earOf(client) {
    if (!this.#ears.has(client)) this.#ears.set(client, new EventEmitter());
    return this.#ears.get(client);
  }

  stop() {
    this.#child.removeAllListeners('exit');
    this.#child.kill('SIGKILL');
  }

  #hear({ id, client, event, value, refused, fault }) {
    if (event) return this.earOf(client).emit(event, value);
    const { resolve, reject, verb } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (refused) return reject(new Refused(refused.status, refused.body, verb));
    if (fault) return reject(new Error(`${verb}: ${fault}`));
    resolve(value);
  }

  #end(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

// The SDK's HTTP library obeys proxies even for loopback addresses.
function unproxied(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(https?|all)_proxy$/i.test(name)));
}
