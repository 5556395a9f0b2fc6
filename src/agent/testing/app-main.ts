import { createServer } from 'node:net';

/**
 * For tests: an app that answers each chunk with `app:` and the same chunk, or, asked `who?`, with
 * who asks; on the port and address of argv.
 */
const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('data', (chunk) => {
    const said = String(chunk);
    socket.write(`app:${said === 'who?' ? socket.remoteAddress : said}`);
  });
  socket.on('end', () => socket.end());
  socket.on('error', () => {});
});
server.listen({ port: Number(process.argv[2]), host: process.argv[3] ?? '0.0.0.0' }, () => {
  process.send?.('ready');
});
