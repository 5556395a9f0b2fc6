// A DNS server on the laptop that answers `laptop`: at one port by UDP, by TCP, or both; `silent` asks
// are noted, and not answered: `dns.laptop.ts PORT udp|tcp|both`. Port 0 is any.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { answerTo } from './dns-bytes.ts';

const [wanted = '0', what = 'both'] = process.argv.slice(2);
let port = Number(wanted);
if (what !== 'tcp') {
  const socket = createSocket('udp4', (message, from) => {
    socket.send(answerTo(message, 'laptop'), from.port, from.address);
  });
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  ({ port } = socket.address());
}
if (what !== 'udp') {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const answer = answerTo(chunk.subarray(2), 'laptop');
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([length, answer]));
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
console.log(port);
