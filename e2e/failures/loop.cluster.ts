// Runs in a pod's network: asks a URL every so often by a new connection, whether or not the last
// was answered. Prints when it asks (ms since the epoch), and with each answer how long it took.
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, systemCode } from '#base/errors.ts';

const [url = '', everyMs = '50'] = process.argv.slice(2);
const patienceMs = 10_000;

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
  const got = await ask().catch(
    (error: unknown) => `error ${systemCode(error) ?? describe(error).replaceAll('\n', ' ')}`,
  );
  console.log(`${String(asked)} ${String(Date.now() - asked)} ${got}`);
}

for (;;) {
  void tell();
  await sleep(Number(everyMs));
}
