// On the laptop: passes connections to 127.0.0.1 on to `HOST PORT`; prints its own port.
import { createConnection, createServer } from 'node:net';

const [host = '', port = ''] = process.argv.slice(2);
const server = createServer((inner) => {
  const outer = createConnection({ host, port: Number(port) });
  for (const [one, other] of [
    [inner, outer],
    [outer, inner],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
    one.pipe(other);
  }
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' && address !== null ? address.port : 0);
});
