import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { enterAsAgent, type AgentRole } from '#tunnel/agent-handshake.ts';
import { encodeNonce, newNonce, type LaptopRole } from '#tunnel/handshake-proof.ts';
import { createSigner, type Signer } from '#tunnel/keys.ts';
import { enterAsLaptop } from '#tunnel/laptop-handshake.ts';
import { createAuthority, createLeaf } from '../identity/certificate.ts';
import { startRelay, type Relay } from './relay.ts';
import { testController, type TestController } from './test-controller.ts';

/** For tests: a relay with real sockets and TLS, and the laptops and agents that dial it. */
export interface TestRelay extends AsyncDisposable {
  readonly relay: Relay;
  readonly controller: TestController;
  readonly managerKey: string;
  /** An upgraded connection, before any proof. */
  upgrade(options: Upgrade): Promise<tls.TLSSocket>;
  /** An upgraded connection of a laptop that has proven itself. */
  laptop(who: Laptop, role: LaptopRole): Promise<tls.TLSSocket>;
  /** A connection of an agent that has proven itself. */
  agent(token: string, role: AgentRole): Promise<tls.TLSSocket>;
  /** The status of an upgrade that is refused. */
  refused(options: Upgrade): Promise<string>;
}

/** A laptop's side of a Connection. */
export interface Laptop {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly signer: Signer;
}

interface Upgrade {
  readonly path: string;
  readonly nonce: string;
}

const never = new AbortController().signal;
const deps = { log: silentLogger, clock: systemClock };

/** A laptop with a fresh key. */
export function laptopOf(name: string, uid: string, namespace = 'shop'): Laptop {
  return { uid, namespace, name, signer: createSigner() };
}

/** A laptop as the controller tells the relay about it. */
export function connectionOf({ uid, namespace, name, signer }: Laptop): {
  uid: string;
  namespace: string;
  name: string;
  publicKey: string;
} {
  return { uid, namespace, name, publicKey: signer.publicKey };
}

/** Starts it. `ownAddresses` leaves loopback dialable nowhere: the policy refuses it anyway. */
export async function testRelay(): Promise<TestRelay> {
  const now = Date.now();
  const lifetime = { notBefore: new Date(now - 60_000), notAfter: new Date(now + 3_600_000) };
  const authority = createAuthority({ randomBytes }, { ...lifetime, commonName: 'ca' });
  const leaf = createLeaf(
    { randomBytes },
    { ...lifetime, authority, commonName: 'relay', names: ['traffic-manager'] },
  );
  const signer = createSigner();
  const controller = await testController();
  const stop = new AbortController();
  const relay = await startRelay(
    deps,
    {
      socketPath: controller.socketPath,
      ports: { api: 0, agents: 0 },
      tls: leaf,
      managerKey: signer.exportJwk(),
      ownAddresses: [],
      logLevel: 'error',
    },
    stop.signal,
  );
  const connect = async (port: number): Promise<tls.TLSSocket> => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      ca: authority.cert,
      servername: 'traffic-manager',
    });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    return socket;
  };
  const ask = async ({
    path,
    nonce,
  }: Upgrade): Promise<{ socket: tls.TLSSocket; head: string }> => {
    const socket = await connect(relay.apiPort);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: tm\r\nConnection: Upgrade\r\nUpgrade: websocket\r\ntelepresence-nonce: ${nonce}\r\n\r\n`,
    );
    return { socket, head: await readHead(socket) };
  };
  const upgrade = async (options: Upgrade): Promise<tls.TLSSocket> => {
    const { socket, head } = await ask(options);
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(head);
    return socket;
  };
  return {
    relay,
    controller,
    managerKey: signer.publicKey,
    upgrade,
    async refused(options) {
      const { socket, head } = await ask(options);
      socket.destroy();
      return head.split(' ')[1] ?? '';
    },
    async laptop(who, role) {
      const laptopNonce = newNonce();
      const socket = await upgrade({
        path: `/tunnel/${who.namespace}/${who.name}/${role}`,
        nonce: encodeNonce(laptopNonce),
      });
      await enterAsLaptop({ clock: systemClock, signer: who.signer }, socket, {
        connectionUid: who.uid,
        role,
        laptopNonce,
        managerKey: signer.publicKey,
        signal: never,
      });
      return socket;
    },
    async agent(token, role) {
      const socket = await connect(relay.agentsPort);
      await enterAsAgent(deps, socket, { role, token, signal: never });
      return socket;
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('test over'));
      await relay[Symbol.asyncDispose]();
      await controller[Symbol.asyncDispose]();
    },
  };
}

/** Reads up to the empty line and leaves the rest. */
async function readHead(socket: tls.TLSSocket): Promise<string> {
  let head = Buffer.alloc(0);
  for (;;) {
    const end = head.indexOf('\r\n\r\n');
    if (end !== -1) {
      const rest = head.subarray(end + 4);
      if (rest.length > 0) socket.unshift(rest);
      return head.subarray(0, end).toString();
    }
    const chunk: unknown = socket.read();
    if (Buffer.isBuffer(chunk)) head = Buffer.concat([head, chunk]);
    else await once(socket, 'readable', { signal: AbortSignal.timeout(5000) });
  }
}
