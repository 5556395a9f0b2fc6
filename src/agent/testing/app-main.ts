import { createServer } from 'node:net';

/** For tests: an app that answers each chunk with `app:` and the same chunk, on the port of argv. */
const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('data', (chunk) => socket.write(`app:${String(chunk)}`));
  socket.on('end', () => socket.end());
  socket.on('error', () => {});
});
server.listen({ port: Number(process.argv[2]), host: process.argv[3] ?? '0.0.0.0' }, () => {
  process.send?.('ready');
});
