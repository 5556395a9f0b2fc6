import { createServer } from 'node:net';

/**
 * For tests: an app that answers each chunk with `app:` and the same chunk, or, asked `who?`, with
 * who asks; `later` is answered after 700 ms, `slowly` after
 * 2.5 s, `much later` after 6 s. Port and address are in argv.
 */
const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('data', (chunk) => {
    const said = String(chunk);
    const answer = (): void =>
      void socket.write(`app:${said === 'who?' ? socket.remoteAddress : said}`);
    if (said === 'later') setTimeout(answer, 700);
    else if (said === 'slowly') setTimeout(answer, 2500);
    else if (said === 'much later') setTimeout(answer, 6000);
    else answer();
  });
  socket.on('end', () => socket.end());
  socket.on('error', () => {});
});
server.listen({ port: Number(process.argv[2]), host: process.argv[3] ?? '0.0.0.0' }, () => {
  process.send?.('ready');
});
