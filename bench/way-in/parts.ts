/**
 * The processes of `bench/way-in.ts`: `part.ts NAME PORT`, where PORT is the next one's on the way.
 * Each tells its port, and its processor time whenever it is asked.
 */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import tls from 'node:tls';
import { bring } from '#agent/take/accept.ts';
import { createJoined } from '#agent/take/joined.ts';
import { listenForTakes } from '#agent/take/listen.ts';
import { managerIdentity } from '#agent/testing/certificates.ts';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Desired } from '#manager/relay/desired.ts';
import { takeInboundFlow } from '#manager/relay/inbound.ts';
import { subnets } from '#protocol/dial-policy.ts';
import { openClientSession } from '#tunnel/client-session.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { createReceiveWindows, receiveBudgets } from '#tunnel/receive-windows.ts';
import { serveSession } from '#tunnel/server-session.ts';
import { takeReverseFlows } from '#user-daemon/flows/reverse-flows.ts';
import { bareAgent, bareCopy, bareLaptop, bareRelay } from './bare.ts';

const deps = { clock: systemClock, log: silentLogger };
const host = '127.0.0.1';
const interceptUid = 'b7f1c7a0-6f0b-4a7e-9d5e-0c1f2a3b4c5d';
const podUid = 'pod';
const connectionUid = 'connection';
/** The relay asks for a laptop on the port after the one that agents dial. */
const laptopRole = 'laptop';

async function listenOn(server: Server, port = 0): Promise<number> {
  server.listen(port, host, 4096);
  await once(server, 'listening');
  return portOf(server.address());
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function dialTls(port: number): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  socket.setNoDelay(true);
  await once(socket, 'secureConnect');
  return socket;
}

/** What a relay's server gets: its first byte says who has dialled. */
async function serveTls(onPeer: (role: string, socket: tls.TLSSocket) => void): Promise<number> {
  const server = tls.createServer(
    { ...managerIdentity, minVersion: 'TLSv1.3', allowHalfOpen: true },
    (socket) => {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.once('readable', () => {
        const first: unknown = socket.read(1);
        socket.write('.', () => onPeer(String(first) === 'L' ? laptopRole : 'agent', socket));
      });
    },
  );
  return await listenOn(server);
}

async function enter(port: number, role: 'agent' | 'laptop'): Promise<tls.TLSSocket> {
  const socket = await dialTls(port);
  const answered = once(socket, 'readable');
  socket.write(role === 'laptop' ? 'L' : 'A');
  await answered;
  socket.read(1);
  return socket;
}

const windows = (budgetBytes: number) => createReceiveWindows(deps, { budgetBytes });

async function handler(): Promise<number> {
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (_request, response) => {
    response.end('laptop');
  });
  return await listenOn(server);
}

/** Whoever the laptop does not answer in time gets the handler too, here: it is slow, not lost. */
async function agent(port: number, appPort: number, takes: boolean): Promise<number> {
  const inbound: { session: ClientSession; rttMs: number }[] = [];
  if (takes) {
    const socket = await enter(port, 'agent');
    const session = openClientSession(socket, { ...deps, windows: windows(receiveBudgets.agent) });
    inbound.push({ session, rttMs: 0.3 });
  }
  const bringDeps: Parameters<typeof bring>[0] = {
    ...deps,
    takes: { takerOf: () => (takes ? interceptUid : undefined), tapsOf: () => [] },
    copies: { copy: () => {} },
    joined: createJoined(deps),
    doubts: new Set<string>(),
    inbound: () => inbound,
    nodeAddresses: new Set(),
    standsAt: () => false,
  };
  const signal = new AbortController().signal;
  const listener = await listenForTakes({
    host,
    port: 0,
    onConnection: (socket) =>
      void bring(bringDeps, socket, { podIps: [host], port: appPort }, signal),
  });
  return listener.port;
}

async function relay(): Promise<number> {
  const reverse: ClientSession[] = [];
  const desired: Desired = {
    epoch: 1n,
    connections: new Map(),
    intercepts: new Map([
      [
        interceptUid,
        { uid: interceptUid, connectionUid, podUids: new Set([podUid]), kinds: new Set(['tcp']) },
      ],
    ]),
    policy: { subnets: subnets(), never: subnets() },
    ownNamespacesOnly: false,
    named: () => undefined,
  };
  const routing = {
    ...deps,
    desired: () => desired,
    reverse: () => reverse.filter((session) => session.isOpen),
    patienceMs: () => 250,
  };
  const forLaptop = windows(receiveBudgets.relay);
  const forPod = windows(receiveBudgets.relay);
  return await serveTls((role, socket) => {
    if (role === laptopRole) {
      reverse.push(openClientSession(socket, { ...deps, windows: forLaptop }));
      return;
    }
    serveSession(socket, {
      ...deps,
      windows: forPod,
      onFlow: (flow) => void takeInboundFlow(routing, podUid, flow),
    });
  });
}

async function laptop(relayPort: number, handlerPort: number): Promise<number> {
  const onFlow = takeReverseFlows({ ...deps, findTarget: () => ({ host, port: handlerPort }) });
  const ours = windows(receiveBudgets.laptop);
  for (const _ of [1, 2]) {
    serveSession(await enter(relayPort, 'laptop'), { ...deps, windows: ours, onFlow });
  }
  return relayPort;
}

async function copy(port: number): Promise<number> {
  return await listenOn(bareCopy({ host, port }));
}

async function startBareAgent(port: number): Promise<number> {
  return await listenOn(bareAgent(await enter(port, 'agent')));
}

async function startBareRelay(): Promise<number> {
  const onPeer = bareRelay();
  return await serveTls((role, socket) => onPeer(role === laptopRole, socket));
}

async function startBareLaptop(relayPort: number, handlerPort: number): Promise<number> {
  for (const _ of [1, 2]) bareLaptop(await enter(relayPort, 'laptop'), { host, port: handlerPort });
  return relayPort;
}

const parts: Readonly<Record<string, (port: number, next: number) => Promise<number>>> = {
  handler,
  relay,
  laptop,
  agent: (port, appPort) => agent(port, appPort, true),
  'agent, idle': (port) => agent(port, port, false),
  'bare relay': startBareRelay,
  'bare laptop': startBareLaptop,
  'bare agent': startBareAgent,
  'bare copy': copy,
};

const [name = '', first, second] = process.argv.slice(2);
const start = parts[name];
if (start === undefined) throw new Error(`no part ${name}`);
const port = await start(Number(first), Number(second));
process.send?.({ port });
process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
process.on('disconnect', () => process.exit());
