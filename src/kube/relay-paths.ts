import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { withDeadline } from '#base/wait.ts';
import type { KubeClient } from './client.ts';
import type { ConnectDeps } from './connect.ts';
import { openPortForward } from './port-forward.ts';
import { findServicePod } from './service-pod.ts';
import { settled } from './tcp.ts';
import { openServiceUpgrade, requestUpgrade, type ServiceTarget } from './upgrade.ts';
import { createWebSocketDuplex, tunnelProtocol } from './websocket-duplex.ts';

/**
 * The ways to the manager, best first (design decision 2): the API server's proxy with raw bytes
 * after the 101; the same with real frames, for what parses WebSockets on the way; the kubelet, for
 * a control plane that does not reach pods.
 */
export const relayPaths = ['service-proxy', 'websocket', 'port-forward'] as const;
export type RelayPath = (typeof relayPaths)[number];

/** How long one step of a path may take: the 101, the handshake after it. */
export const stepMs = 2000;

/** What the relay's certificate must be; the laptop learns it from the manager's objects. */
export interface RelayPin {
  readonly ca: string;
  readonly serverName: string;
}

export interface RelayPathDeps extends ConnectDeps {
  readonly client: KubeClient;
  readonly random: () => number;
}

interface Options {
  readonly target: ServiceTarget;
  readonly pin: RelayPin;
  /** `/tunnel/<namespace>/<connection>/<role>` */
  readonly path: string;
  readonly nonce: string;
  readonly signal: AbortSignal;
}

/** Raw bytes to the relay, right after its 101, by each path. */
export const openRelayPath: Readonly<
  Record<RelayPath, (deps: RelayPathDeps, options: Options) => Promise<Duplex>>
> = {
  'service-proxy': async (deps, options) =>
    await openServiceUpgrade(deps, { ...upgradeOptions(options) }),
  websocket: async (deps, options) => {
    const { namespace, service } = options.target;
    const what = `WebSocket to ${namespace}/${service}`;
    const protocol = tunnelProtocol;
    const socket = await openServiceUpgrade(deps, { ...upgradeOptions(options), protocol });
    return createWebSocketDuplex(socket, { end: 'client', what });
  },
  'port-forward': async (deps, { target, pin, path, nonce, signal }) => {
    const { namespace, service } = target;
    const what = `port-forward to ${namespace}/${service}`;
    const step = { ms: stepMs, what, signal };
    const { pod, port } = await withDeadline(deps, step, async (waiting) => {
      return await findServicePod(deps, target, waiting);
    });
    const to = { namespace, pod, port, deadlineMs: stepMs, signal };
    const raw = await openPortForward(deps, to);
    try {
      return await withDeadline(deps, step, async (waiting) => {
        const socket = await speakTls(raw, pin, waiting);
        // The relay is no API server: our token stays here.
        const headers = { 'telepresence-nonce': nonce };
        const host = `${service}.${namespace}`;
        return await requestUpgrade({ socket, host, path, headers, what, signal: waiting });
      });
    } catch (error) {
      raw.destroy();
      throw error;
    }
  },
};

function upgradeOptions({ target, path, nonce, signal }: Options) {
  const headers = { 'telepresence-nonce': nonce };
  return { target, path, headers, deadlineMs: stepMs, signal };
}

async function speakTls(raw: Duplex, pin: RelayPin, signal: AbortSignal): Promise<tls.TLSSocket> {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  // A TLS socket over a stream says "hung up" where the stream knows why.
  raw.on('error', failed.reject);
  const socket = tls.connect({
    socket: raw,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['http/1.1'],
    ca: pin.ca,
    servername: pin.serverName,
  });
  return await Promise.race([settled(socket, 'secureConnect', signal), failed.promise]);
}
