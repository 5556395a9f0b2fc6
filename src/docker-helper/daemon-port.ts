import { createServer } from 'node:net';
import { inContainer } from '#protocol/helper-port.ts';

const tries = 20;

/**
 * Ports that the daemon may have, of the sandbox and of the laptop's loopback: one number for both, so
 * that whoever looks at `docker ps` sees one. None that is exposed for somebody else.
 */
export function portCandidates(exposed: readonly string[]): readonly number[] {
  const named = new Set(exposed.flatMap((text) => portsIn(text)));
  return Array.from({ length: tries }, (_, index) => inContainer.port + index).filter(
    (port) => !named.has(port),
  );
}

/** Whether nobody listens there on this machine. */
export async function isFreePort(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  return await promise;
}

/** The port and ranges of ports in docker's own writing, without its addresses. */
function portsIn(text: string): number[] {
  const ports = text.replace(/^(\[[^\]]*\]|\d+\.\d+\.\d+\.\d+):/, '').replace(/\/.*$/, '');
  return ports.split(':').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    const length = Math.max(0, Math.min(last - first + 1, 65_536));
    return Array.from({ length }, (_, index) => first + index);
  });
}
