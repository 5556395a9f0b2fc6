// A program in a pod's network: answers each datagram with its length and its sender's address.
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4', (message, from) => {
  socket.send(`${String(message.length)} ${from.address}`, from.port, from.address);
});
socket.bind(Number(process.argv[2]), () => console.log('listening'));
