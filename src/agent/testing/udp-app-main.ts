import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** For tests: an app that answers each datagram with `app:` and its length and first letters. Port and address are in argv. */
const [port, host = '0.0.0.0'] = process.argv.slice(2);
const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' }, (message, from) => {
  const text = `app:${String(message.length)}:${String(message.subarray(0, 20))}`;
  socket.send(text, from.port, from.address);
});
socket.bind(Number(port), host, () => process.send?.('ready'));
