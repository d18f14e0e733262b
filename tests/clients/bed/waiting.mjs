// Turns the clients' events into promises that always end.

const PATIENCE = 15_000;

/** Resolves to the payload of the first `event` of `emitter` that `accepts`; rejects when it does not come in time. */
export function heard(emitter, event, accepts = () => true) {
  return new Promise((resolve, reject) => {
    const settle = (how, value) => {
      clearTimeout(timer);
      emitter.off(event, listener);
      how(value);
    };
    const listener = (payload) => {
      if (accepts(payload)) settle(resolve, payload);
    };
    const timer = setTimeout(() => settle(reject, new Error(`no \`${event}\` within ${PATIENCE} ms`)), PATIENCE);
    emitter.on(event, listener);
  });
}

/** Calls `ask` until it returns something truthy; for what Usher stores without a client being told. */
export async function eventually(ask) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const found = await ask();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not so within ${PATIENCE} ms: ${ask}`);
}
