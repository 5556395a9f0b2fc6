// Runs in a pod's network: asks an echo again and again by a new connection, and keeps one open that says
// a word now and then. Prints `asked MS AT SHA256 KB` for each that came back whole, AT in ms since the epoch,
// `failed MS WHY` for each that did not, and `open MS` or `broken WHY` of the one that stays.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, systemCode } from '#base/errors.ts';

const [host = '', port = '', bulk = '0'] = process.argv.slice(2);
const everyMs = 50;
const patienceMs = 10_000;
/** One in so many carries more than anything on the way holds back. */
const bulky = 40;

function dial(): Socket {
  return connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
}

function why(error: unknown): string {
  return systemCode(error) ?? describe(error).replaceAll('\n', ' ');
}

async function ask(bytes: Buffer): Promise<void> {
  const at = Date.now();
  const took = (): string => String(Date.now() - at);
  const socket = dial();
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')));
  try {
    socket.end(bytes);
    const back = await buffer(socket);
    if (!back.equals(bytes)) throw new Error(`${String(back.length)} of ${String(bytes.length)}`);
    const sum = createHash('sha256').update(bytes).digest('hex');
    console.log(`asked ${took()} ${String(at)} ${sum} ${String(Math.round(bytes.length / 1000))}`);
  } catch (error) {
    console.log(`failed ${took()} ${why(error)}`);
  } finally {
    socket.destroy();
  }
}

async function stay(): Promise<void> {
  const socket = dial();
  try {
    for (;;) {
      const asked = performance.now();
      socket.write('still there?');
      await once(socket, 'data', { signal: AbortSignal.timeout(patienceMs) });
      console.log(`open ${String(Math.round(performance.now() - asked))}`);
      await sleep(500);
    }
  } catch (error) {
    console.log(`broken ${why(error)}`);
  }
}

void stay();
for (let count = 1; ; count += 1) {
  const isBulky = Number(bulk) > 0 && count % bulky === 0;
  void ask(randomBytes(isBulky ? Number(bulk) : randomInt(1, 20_000)));
  await sleep(everyMs);
}
