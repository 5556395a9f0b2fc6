import { once } from 'node:events';
import net from 'node:net';
import { join } from './http-proxy.ts';

/** A SOCKS5 proxy (RFC 1928) without credentials. */
export function createSocksProxy(): net.Server {
  return net.createServer({ noDelay: true }, (client) => {
    client.on('error', () => {});
    serve(client).catch(() => client.destroy());
  });
}

async function serve(client: net.Socket): Promise<void> {
  const read = async (bytes: number): Promise<Buffer> => {
    for (;;) {
      const chunk: unknown = client.read(bytes);
      if (Buffer.isBuffer(chunk) && chunk.length === bytes) return chunk;
      if (client.readableEnded || client.destroyed) throw new Error('gone');
      await once(client, 'readable');
    }
  };
  const [version = 0, methods = 0] = await read(2);
  const offered = await read(methods);
  if (version !== 5 || !offered.includes(0)) {
    client.end(Buffer.from([5, 0xff]));
    return;
  }
  client.write(Buffer.from([5, 0]));
  const [, command = 0, , kind = 0] = await read(4);
  const host =
    kind === 1
      ? [...(await read(4))].join('.')
      : kind === 3
        ? (await read((await read(1))[0] ?? 0)).toString('latin1')
        : undefined;
  if (command !== 1 || host === undefined) {
    client.end(Buffer.from([5, 7, 0, 1, 0, 0, 0, 0, 0, 0]));
    return;
  }
  const port = (await read(2)).readUInt16BE();
  const onward = net.connect({ port, host, noDelay: true });
  onward.on('connect', () => {
    client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    join(client, onward);
  });
  onward.on('error', () => client.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])));
}
