// Runs in a pod's network, as its app: says again whatever it hears, on the port in argv.
import { createServer } from 'node:net';

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
});
server.listen(Number(process.argv[2]), () => console.log('listening'));
