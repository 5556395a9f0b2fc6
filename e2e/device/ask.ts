// A program on the laptop, on the node or in a pod's network: connects or sends, and says what came of
// it, one line of JSON for each try: `ask.ts tcp|udp HOST PORT [TRIES [BYTES]]`.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { systemCode } from '#base/errors.ts';

const [protocol, host = '', port = '', tries = '1', bytes = '5'] = process.argv.slice(2);
const deadlineMs = 5000;

/** `open`, or the system's code; `silence` after five seconds. */
async function tcp(): Promise<string> {
  const socket = createConnection({ host, port: Number(port) });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(deadlineMs) });
    return 'open';
  } finally {
    socket.on('error', () => {});
    socket.destroy();
  }
}

/** What the other side answered to that many bytes, as text. */
async function udp(): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.connect(Number(port), host);
    await once(socket, 'connect');
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(deadlineMs) });
    socket.send(Buffer.alloc(Number(bytes), 'x'));
    const [message]: unknown[] = await answer;
    return String(message);
  } finally {
    socket.close();
  }
}

for (let index = 0; index < Number(tries); index += 1) {
  const began = performance.now();
  const outcome = await (protocol === 'udp' ? udp() : tcp()).catch((error: unknown) => {
    const code = systemCode(error) ?? String(error);
    return code === 'ABORT_ERR' ? 'silence' : code;
  });
  const ms = Math.round((performance.now() - began) * 10) / 10;
  console.log(JSON.stringify({ outcome, ms }));
}
