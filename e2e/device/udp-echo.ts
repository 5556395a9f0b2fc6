// A program in a pod's network: answers each datagram with its length and its sender's address;
// on one address where that is said: `udp-echo.ts PORT [ADDRESS]`.
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4', (message, from) => {
  socket.send(`${String(message.length)} ${from.address}`, from.port, from.address);
});
const [port, address] = process.argv.slice(2);
socket.bind(Number(port), address, () => console.log('listening'));
