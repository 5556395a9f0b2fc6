// Echoes what it is sent, with its name's first letter before: `echo-server.ts NAME HOST PORT`.
// Prints its port once it listens.
import net from 'node:net';

const [name = '', host = '', port = '0'] = process.argv.slice(2);
const server = net.createServer({ noDelay: true, allowHalfOpen: false }, (socket) => {
  socket.on('error', () => {});
  socket.on('data', (bytes) => socket.write(`${name.slice(0, 1)}${bytes.toString('latin1')}`));
});
server.listen({ host, port: Number(port), backlog: 4096 }, () => {
  const address = server.address();
  console.log(typeof address === 'object' ? String(address?.port) : '');
});
