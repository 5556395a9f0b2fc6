// Runs in a pod's network: asks a URL every so often by a new connection, whether or not the last
// was answered; less often the more are not, or a machine that cannot keep up would only be given
// more to do. Prints when it asks (ms since the epoch), and with each answer how long it took.
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, systemCode } from '#base/errors.ts';

const [url = '', everyMs = '50'] = process.argv.slice(2);
const patienceMs = 10_000;
/** With so many unanswered it asks half as often. */
const manyWaiting = 20;
let waiting = 0;

function ask(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = http.get(url, { agent: false, signal: AbortSignal.timeout(patienceMs) });
  request.on('response', (response) => {
    text(response).then((body) => resolve(`${String(response.statusCode)} ${body.trim()}`), reject);
  });
  request.on('error', reject);
  return promise;
}

async function tell(): Promise<void> {
  const asked = Date.now();
  console.log(String(asked));
  waiting += 1;
  const got = await ask().catch(
    (error: unknown) => `error ${systemCode(error) ?? describe(error).replaceAll('\n', ' ')}`,
  );
  waiting -= 1;
  console.log(`${String(asked)} ${String(Date.now() - asked)} ${got}`);
}

for (;;) {
  void tell();
  await sleep(Number(everyMs) * (1 + waiting / manyWaiting));
}
