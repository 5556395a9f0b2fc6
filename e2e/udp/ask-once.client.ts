// A pod that asks a DNS server some questions, each by a new socket: `ask-once.client.ts udp|tcp HOST PORT TIMES`.
// Says whose answers came, one a line.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { question, read } from './dns-bytes.ts';

const [protocol, host = '', port = '53', times = '3'] = process.argv.slice(2);
const within = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(3000) });

async function byUdp(): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    const answer = once(socket, 'message', within());
    socket.send(question(7), Number(port), host);
    const [message]: unknown[] = await answer;
    return Buffer.isBuffer(message) ? message : Buffer.alloc(0);
  } finally {
    socket.close();
  }
}

async function byTcp(): Promise<Buffer> {
  const socket = connect({ host, port: Number(port) });
  try {
    const asked = question(7);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(asked.length);
    socket.write(Buffer.concat([length, asked]));
    const [chunk]: unknown[] = await once(socket, 'data', within());
    return Buffer.isBuffer(chunk) ? chunk.subarray(2) : Buffer.alloc(0);
  } finally {
    socket.on('error', () => {});
    socket.destroy();
  }
}

for (let time = 0; time < Number(times); time += 1) {
  const answer = await (protocol === 'tcp' ? byTcp() : byUdp()).catch(() => undefined);
  console.log(answer === undefined ? 'silence' : read(answer).text);
}
