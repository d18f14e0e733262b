// Starts the Usher under test as a child process and stops it again.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const START_TIMEOUT = 60_000;
const STOP_TIMEOUT = 5_000;

/**
 * Runs `$USHER_BIN dev` on a fresh data directory and free ports.
 * Resolves to the line it prints when ready, with `adminToken` and `stop()` added.
 */
export async function startUsher() {
  const binary = process.env.USHER_BIN;
  if (!binary) throw new Error('set USHER_BIN to the path of the usher binary');
  const directory = await mkdtemp(join(tmpdir(), 'usher-clients-'));
  const child = spawn(binary, ['dev', '--json', '--data', directory, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const reap = () => child.kill('SIGKILL');
  process.once('exit', reap);
  const stop = async () => {
    await terminate(child);
    process.off('exit', reap);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const ready = await readiness(child);
    const adminToken = (await readFile(join(ready.data, 'admin.token'), 'utf8')).trim();
    return { ...ready, adminToken, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function readiness(child) {
  const log = [];
  child.stderr.setEncoding('utf8').on('data', (text) => log.push(text));
  const lines = createInterface({ input: child.stdout });
  const line = once(lines, 'line').then(([text]) => JSON.parse(text));
  const ended = new Promise((_resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`usher ended (${code ?? signal}) before it was ready:\n${log.join('')}`)));
  });
  const late = new Promise((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`usher is not ready after ${START_TIMEOUT} ms:\n${log.join('')}`)), START_TIMEOUT);
    timer.unref();
  });
  const ready = await Promise.race([line, ended, late]);
  ended.catch(() => {});
  late.catch(() => {});
  return ready;
}

async function terminate(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
  await exited;
  clearTimeout(timer);
}
