/**
 * The laptop's end of *raw* and *tunnel*: `gateway.ts raw|tunnel CONNECTIONS HOST PORT…` listens on
 * loopback for each PORT of HOST in the cluster, and prints its own ports as one JSON array.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { loadClusterAccess } from '#kube/kubeconfig.ts';
import { openServiceUpgrade } from '#kube/upgrade.ts';
import { openClientSession } from '#tunnel/client-session.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { splice } from '#tunnel/splice.ts';
import { labNamespace } from '../lab-manifests.ts';
import { pump } from '../pump.ts';

const [mode = '', connections = '', host = '', ...ports] = process.argv.slice(2);
const deps = {
  access: await loadClusterAccess(
    { clock: systemClock },
    { flags: {}, env: process.env, home: process.env['HOME'] ?? '/' },
  ),
  clock: systemClock,
};
const target = { namespace: labNamespace, service: 'relay', portName: 'api' };
const { signal } = new AbortController();

function open(path: string): Promise<Duplex> {
  return openServiceUpgrade(deps, { target, path, headers: {}, deadlineMs: 5000, signal });
}

async function rawConnection(authority: string, socket: Socket): Promise<void> {
  const remote = await open(`/raw/${authority}`);
  pump(socket, remote);
}

async function openSessions(): Promise<readonly ClientSession[]> {
  return Promise.all(
    Array.from({ length: Number(connections) }, async () =>
      openClientSession(await open('/tunnel'), { log: silentLogger, clock: systemClock }),
    ),
  );
}

const sessions = mode === 'tunnel' ? await openSessions() : [];

/** The session with fewest unsent bytes, then with fewest flows (design decision 2). */
function leastBusy(): ClientSession {
  const [first] = sessions.toSorted(
    (one, other) => one.unsentBytes - other.unsentBytes || one.openFlows - other.openFlows,
  );
  if (first === undefined) throw new Error('no session');
  return first;
}

function take(authority: string, socket: Socket): void {
  socket.on('error', () => {});
  if (mode === 'raw') {
    rawConnection(authority, socket).catch(() => socket.destroy());
    return;
  }
  const { flow } = leastBusy().beginFlow({ authority, signal });
  splice(socket, flow.stream);
}

const listening: number[] = [];
for (const port of ports) {
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
    (socket) => take(`${host}:${port}`, socket),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  listening.push(address.port);
}
console.log(JSON.stringify(listening));
