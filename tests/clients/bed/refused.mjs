// How an SDK's "no" looks to a test, whichever language the SDK is written in.

/** A request that was answered with an error: `status` is the HTTP status, `body` the answer's JSON. */
export class Refused extends Error {
  constructor(status, body, message) {
    super(`${message}: ${status} ${JSON.stringify(body)}`);
    this.status = status;
    this.body = body;
  }
}

/** What a call is refused with, as `{ status, body }`; rejects when it is not refused. */
export async function refusal(call) {
  try {
    const value = await call;
    throw new Error(`not refused: ${JSON.stringify(value)}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { status: error.status, body: error.body };
  }
}
