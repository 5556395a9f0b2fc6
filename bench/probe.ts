/**
 * Measures waiting, on the laptop and in a pod: `probe.ts http|echo HOST PORT COUNT` prints the
 * milliseconds of each try as one JSON array.
 */
import { once } from 'node:events';
import { connect } from 'node:net';

const [what = '', host = '', port = '', count = ''] = process.argv.slice(2);
const target = { host, port: Number(port), noDelay: true };

async function firstByte(): Promise<number> {
  const start = performance.now();
  const socket = connect(target);
  socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  await once(socket, 'data');
  const took = performance.now() - start;
  // Not waited for: through `kubectl port-forward` the server's end comes seconds later.
  socket.on('error', () => {});
  socket.resume().end();
  return took;
}

async function echoes(): Promise<number[]> {
  const socket = connect(target);
  await once(socket, 'connect');
  const samples: number[] = [];
  for (let index = 0; index < Number(count) + 3; index += 1) {
    const start = performance.now();
    socket.write('a small message of 32 bytes here');
    await once(socket, 'data');
    // The first ones open windows and warm code.
    if (index >= 3) samples.push(performance.now() - start);
  }
  socket.destroy();
  return samples;
}

async function firstBytes(): Promise<number[]> {
  const samples: number[] = [];
  for (let index = 0; index < Number(count) + 3; index += 1) {
    const took = await firstByte();
    if (index >= 3) samples.push(took);
  }
  return samples;
}

process.stdout.write(JSON.stringify(await (what === 'http' ? firstBytes() : echoes())), () =>
  process.exit(),
);
