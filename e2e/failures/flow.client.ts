// An open flow: asks a URL again and again by one connection that it keeps, one request after the
// other, however long each takes. Prints each answer: when it was asked, how long it took, by the
// how-many-eth connection, and what came.
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, systemCode } from '#base/errors.ts';

const [url = ''] = process.argv.slice(2);
const everyMs = 100;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let connections = 0;

function ask(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = http.get(url, { agent });
  request.on('socket', () => {
    if (!request.reusedSocket) connections += 1;
  });
  request.on('response', (response) => {
    text(response).then(() => resolve(String(response.statusCode)), reject);
  });
  request.on('error', reject);
  return promise;
}

for (;;) {
  const asked = Date.now();
  const got = await ask().catch(
    (error: unknown) => systemCode(error) ?? describe(error).replaceAll('\n', ' '),
  );
  console.log(`${String(asked)} ${String(Date.now() - asked)} ${String(connections)} ${got}`);
  await sleep(everyMs);
}
