/**
 * What iperf3 does, for paths that do not survive how iperf3 ends: `flood.ts up|down HOST PORT
 * FLOWS SECONDS` prints Gbit/s as the receiver counted them, bytes still under way included.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { countUntilLast, flood } from './flood-server.ts';
import type { Received } from './flood-server.ts';

const [direction = '', host = '', port = '', flows = '', seconds = ''] = process.argv.slice(2);

async function flow(): Promise<Received> {
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  const end = performance.now() + Number(seconds) * 1000;
  if (direction === 'up') {
    socket.write('u');
    flood(socket, () => performance.now() < end);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    const received: Received = JSON.parse(String(answer));
    return received;
  }
  socket.write('d');
  setTimeout(() => socket.write('.'), Number(seconds) * 1000);
  const received = await countUntilLast(socket, 0);
  socket.destroy();
  return received;
}

const all = await Promise.all(Array.from({ length: Number(flows) }, flow));
const bytes = all.reduce((sum, received) => sum + received.bytes, 0);
const ms = Math.max(...all.map((received) => received.ms));
console.log(JSON.stringify({ bytes, gbits: (bytes * 8) / ms / 1e6 }));
