/**
 * Asks a DNS server for addresses, one question at a time, on the laptop: `name-probe.ts SERVER COUNT
 * NAME`. `#` in the name is another number each time. Prints the milliseconds of each as a JSON array;
 * what was not answered within 3 s is null.
 */
import dgram from 'node:dgram';
import { once } from 'node:events';

const [server = '', count = '', name = ''] = process.argv.slice(2);
const patienceMs = 3000;
const socket = dgram.createSocket('udp4');
socket.connect(53, server);
await once(socket, 'connect');

function question(id: number): Buffer {
  const labels = name.replaceAll('#', String(id % 250)).split('.');
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(0x0100, 2);
  head.writeUInt16BE(1, 4);
  const encoded = labels.map((label) => String.fromCharCode(label.length) + label).join('');
  return Buffer.concat([head, Buffer.from(`${encoded}\0\0\x01\0\x01`, 'latin1')]);
}

async function ask(id: number): Promise<number | null> {
  const began = performance.now();
  const signal = AbortSignal.timeout(patienceMs);
  socket.send(question(id));
  try {
    for (;;) {
      const [answer]: unknown[] = await once(socket, 'message', { signal });
      if (answer instanceof Buffer && answer.readUInt16BE(0) === id) break;
    }
    return performance.now() - began;
  } catch {
    return null;
  }
}

const samples: (number | null)[] = [];
for (let id = 1; id <= Number(count); id += 1) samples.push(await ask(id));
socket.close();
process.stdout.write(JSON.stringify(samples));
