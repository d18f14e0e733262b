// PubNub's SDKs for two languages, unmodified, behind one set of verbs.

import { startJavascript } from './sdk-javascript.mjs';
import { startPython } from './sdk-python.mjs';

/**
 * `start()` resolves to `{ client(settings), stop() }`. The settings of a client are `subscribeKey`, `publishKey`,
 * `origin`, `uuid` and any of `secretKey`, `token`, `authKey`. A client has `call(verb, settings)`, which rejects with
 * a Refused when the answer is an error, and `listen({ channels, groups })`, which returns an emitter of `connected`,
 * `message` and `denied`; what is emitted before somebody listens to it is lost.
 */
export const sdks = [
  { name: 'pubnub 12.0.3 for JavaScript', start: startJavascript },
  { name: 'pubnub 10.8.0 for Python', start: startPython },
];
