// Runs on a laptop, as the handler of a wiretap. Prints its port, then `whole SHA256` of each connection
// that ended in order and `cut BYTES` of each that did not; answers what nobody may hear. `deaf` as first
// argument reads nothing. A port as the second is listened on; else any.
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';

const [mode = '', port = '0'] = process.argv.slice(2);
const server = createServer({ pauseOnConnect: mode === 'deaf' }, (socket) => {
  console.log('connection');
  const hash = createHash('sha256');
  let bytes = 0;
  let hasEnded = false;
  socket.write('an answer that is nobody’s');
  if (mode !== 'deaf') {
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
  }
  socket.once('end', () => {
    hasEnded = true;
    console.log(`whole ${hash.digest('hex')}`);
  });
  socket.on('error', () => {});
  socket.once('close', () => {
    if (!hasEnded) console.log(`cut ${String(bytes)}`);
  });
});
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.address();
  console.log(`listening ${typeof address === 'object' ? String(address?.port) : ''}`);
});
