// Plain requests to the chat-engine endpoint, for what no client would send.

/** The endpoint by its full URL. Every method resolves to `{ status, headers, text, data }`; `data` is parsed JSON or undefined. */
export class Endpoint {
  #url;

  constructor(url) {
    this.#url = url;
  }

  post(route, body, params = {}) {
    const headers = { 'content-type': 'application/json;charset=utf-8' };
    return this.send({ route, ...params }, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
  }

  get(route, params = {}) {
    return this.send({ route, ...params }, { method: 'GET' });
  }

  async send(params, init) {
    const response = await fetch(`${this.#url}?${new URLSearchParams(params)}`, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, data: parsed(text) };
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
