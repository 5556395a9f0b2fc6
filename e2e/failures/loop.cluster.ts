// Runs in a pod's network: asks a URL by a new connection each time, and prints a line an answer:
// when it asked (ms since the epoch), how long it took, and what it got.
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, systemCode } from '#base/errors.ts';

const [url = '', everyMs = '50'] = process.argv.slice(2);
const patienceMs = 5000;

function ask(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = http.get(url, { agent: false, signal: AbortSignal.timeout(patienceMs) });
  request.on('response', (response) => {
    text(response).then((body) => resolve(`${String(response.statusCode)} ${body.trim()}`), reject);
  });
  request.on('error', reject);
  return promise;
}

for (;;) {
  const asked = Date.now();
  const got = await ask().catch(
    (error: unknown) => `error ${systemCode(error) ?? describe(error).replaceAll('\n', ' ')}`,
  );
  console.log(`${String(asked)} ${String(Date.now() - asked)} ${got}`);
  await sleep(Math.max(0, asked + Number(everyMs) - Date.now()));
}
