import type { Duplex } from 'node:stream';
import { withDeadline } from '#base/wait.ts';
import { withQuery } from './client.ts';
import { connectApiServer, type ConnectDeps } from './connect.ts';
import { unreachable } from './errors.ts';
import { createPortForwardDuplex } from './port-forward-duplex.ts';
import { resourcePath, resources } from './resource.ts';
import { requestUpgrade } from './upgrade.ts';

const protocol = 'v4.channel.k8s.io';

/** Raw bytes to a port of a pod, by the kubelet: loopback listeners of the pod are reached, too. */
export async function openPortForward(
  deps: ConnectDeps,
  options: {
    readonly namespace: string;
    readonly pod: string;
    readonly port: number;
    readonly deadlineMs: number;
    readonly signal: AbortSignal;
  },
): Promise<Duplex> {
  const { namespace, pod, port, deadlineMs } = options;
  const identity = await deps.access.identify(options.signal);
  const what = `port-forward to ${namespace}/${pod}:${String(port)}`;
  const base = deps.access.server.pathname.replace(/\/$/, '');
  const path = resourcePath({
    resource: resources.pods,
    namespace,
    name: pod,
    subresource: 'portforward',
  });
  try {
    return await withDeadline(
      deps,
      { ms: deadlineMs, what, signal: options.signal },
      async (signal) => {
        const socket = await connectApiServer(deps, { identity, deadlineMs, signal });
        const upgraded = await requestUpgrade({
          socket,
          host: deps.access.server.host,
          path: base + withQuery(path, { ports: String(port) }),
          headers: identity.headers,
          protocol,
          what,
          signal,
        });
        return createPortForwardDuplex(upgraded, what);
      },
    );
  } catch (error) {
    options.signal.throwIfAborted();
    throw unreachable(what, error);
  }
}
