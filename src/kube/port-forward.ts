import type { Duplex } from 'node:stream';
import { withQuery } from './client.ts';
import { onOwnConnection, type ConnectDeps } from './connect.ts';
import { createPortForwardDuplex } from './port-forward-duplex.ts';
import { resourcePath, resources } from './resource.ts';
import { basePath } from './tcp.ts';
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
  const { namespace, pod, port } = options;
  const what = `port-forward to ${namespace}/${pod}:${String(port)}`;
  const path = resourcePath({
    resource: resources.pods,
    namespace,
    name: pod,
    subresource: 'portforward',
  });
  return await onOwnConnection(deps, { ...options, what }, async (socket, identity, signal) => {
    const { server } = deps.access;
    const upgraded = await requestUpgrade({
      socket,
      host: server.host,
      path: basePath(server) + withQuery(path, { ports: String(port) }),
      headers: identity.headers,
      protocol,
      what,
      signal,
    });
    return createPortForwardDuplex(upgraded, what);
  });
}
