/**
 * Asks at a steady rate, each request by a connection of its own, in a pod: `steady.ts HOST PORT
 * PER-SECOND SECONDS` prints the milliseconds from when each was due to its answer's first byte, as
 * one JSON array; what failed is null.
 */
import { connect } from 'node:net';

const [host = '', port = '', perSecond = '', seconds = ''] = process.argv.slice(2);
const patienceMs = 5000;

function ask(dueAt: number): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const socket = connect({ host, port: Number(port), noDelay: true });
  socket.setTimeout(patienceMs, () => socket.destroy());
  socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  socket.once('data', () => {
    resolve(performance.now() - dueAt);
    socket.end();
  });
  socket.on('error', () => {});
  socket.once('close', () => resolve(null));
  return promise;
}

const total = Number(perSecond) * Number(seconds);
const asked: Promise<number | null>[] = [];
const beganAt = performance.now();
const timer = setInterval(() => {
  const now = performance.now() - beganAt;
  while (asked.length < total && (asked.length * 1000) / Number(perSecond) <= now) {
    asked.push(ask(beganAt + (asked.length * 1000) / Number(perSecond)));
  }
  if (asked.length < total) return;
  clearInterval(timer);
  void Promise.all(asked).then((samples) => {
    // Written to the end before the process is.
    process.stdout.write(
      JSON.stringify(samples.map((ms) => ms && Math.round(ms * 1000) / 1000)),
      () => process.exit(),
    );
  });
}, 1);
