// A pod that asks a DNS server, each EVERY ms once by a socket that it keeps and once by a new one, and says
// of each question, one line of JSON, when it asked and what came: `asking.client.ts HOST PORT EVERY`.
import { createSocket, type Socket } from 'node:dgram';
import { question, read } from './dns-bytes.ts';

const [host = '', port = '53', every = '10'] = process.argv.slice(2);
const waitMs = 2000;
let last = 0;

function ask(socket: Socket, how: 'kept' | 'new', done: () => void): void {
  last = (last + 1) % 0x1_0000;
  const id = last;
  const at = Date.now();
  const say = (answer: string): void => {
    clearTimeout(timer);
    socket.off('message', onMessage);
    console.log(JSON.stringify({ how, at, ms: Date.now() - at, answer }));
    done();
  };
  const onMessage = (message: Buffer): void => {
    const found = read(message);
    if (found.id === id) say(found.text);
  };
  const timer = setTimeout(() => say('lost'), waitMs);
  socket.on('message', onMessage);
  socket.send(question(id), Number(port), host);
}

const kept = createSocket('udp4');
kept.setMaxListeners(0);
setInterval(() => {
  ask(kept, 'kept', () => {});
  const one = createSocket('udp4');
  ask(one, 'new', () => one.close());
}, Number(every));
console.log('asking');
