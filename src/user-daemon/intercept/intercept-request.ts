import { isIP } from 'node:net';
import type { PortProtocol } from '#protocol/agent-config.ts';
import type { InterceptRequest } from '#protocol/gen/telepresence_pb.ts';
import { modeNamed } from '#protocol/intercept-mode.ts';
import type { ConnectionSpec, ConnectionStatus, InterceptSpec } from '#protocol/resources.ts';
import { UserDaemonError } from '../errors.ts';
import type { HandlerTarget } from '../flows/handler-target.ts';
import type { PodPort } from '../pod-ports/pod-port.ts';
import { protocolTyped } from './laptop-targets.ts';

/** The Connection that an Intercept belongs to. */
export interface OwnConnection {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly spec: Pick<ConnectionSpec, 'user' | 'client'>;
  /** What the manager has last written of it. */
  readonly status?: ConnectionStatus | undefined;
}

/** What the CLI asked for, checked and split. */
export interface WantedIntercept {
  readonly namespace: string;
  /** Where on the laptop its traffic goes, as far as that was said; none of an ingest's. */
  readonly targets: readonly (HandlerTarget & { readonly protocol?: PortProtocol | undefined })[];
  readonly spec: InterceptSpec;
  /** Ports of the pod's loopback that are wanted on this machine's. */
  readonly toPod: readonly PodPort[];
  /** Intercepts whose handler answers for this one too, so that both may go to one port. */
  readonly sameHandler: readonly string[];
}

/** An Intercept's spec as `telepresence intercept` means it. */
export function wantedIntercept(
  request: InterceptRequest,
  connection: OwnConnection,
): WantedIntercept {
  const mode = modeNamed(request.mode);
  if (mode === undefined) {
    throw new UserDaemonError('InterceptFailed', `there is no such thing as ${request.mode}`);
  }
  const host = targetHost(request.address);
  const wanted = mode === 'ingest' ? [] : request.containerPorts?.ports;
  const { laptopPort, servicePort = '' } =
    wanted === undefined ? portsOf(request.port) : { laptopPort: undefined };
  const ports =
    mode === 'ingest'
      ? undefined
      : wanted?.map(({ port, target }) => (port === '' ? { target } : { port, target }));
  const targets = wanted?.map(({ target, port }) => {
    return { host, port: target, protocol: protocolTyped(port) };
  });
  return {
    namespace: request.namespace === '' ? connection.namespace : request.namespace,
    targets: targets ?? [{ host, port: laptopPort ?? 0 }],
    toPod: request.toPod.map(({ port: podPort, protocol }) => ({
      port: podPort,
      protocol: protocol === 'UDP' ? 'UDP' : 'TCP',
    })),
    sameHandler: request.sameHandler,
    spec: {
      name: request.name,
      user: connection.spec.user,
      client: connection.spec.client,
      connection: { namespace: connection.namespace, name: connection.name, uid: connection.uid },
      workload: { name: request.workload === '' ? request.name : request.workload },
      ...(request.service === '' ? {} : { service: request.service }),
      ...(servicePort === '' ? {} : { port: servicePort }),
      ...(request.container === '' ? {} : { container: request.container }),
      mechanism: 'tcp',
      // Left out where it says nothing new, for what an older cluster knows.
      ...(mode === 'intercept' ? {} : { mode }),
      ...(mode === 'ingest'
        ? {}
        : { target: laptopPort === undefined ? { host } : { host, port: laptopPort } }),
      ...(request.force ? { force: true } : {}),
      ...(request.replace ? { replaceContainer: true } : {}),
      ...(ports === undefined ? {} : { containerPorts: ports }),
    },
  };
}

function portsOf(typed: string): {
  readonly laptopPort: number;
  readonly servicePort: string | undefined;
} {
  const [laptopPort = '', servicePort] = typed.split(':');
  const port = Number(laptopPort);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new UserDaemonError('InterceptFailed', `${typed} is no port`);
  }
  return { laptopPort: port, servicePort };
}

function targetHost(address: string): string {
  if (address === '') return '127.0.0.1';
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0 || /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i.test(bare)) return bare;
  throw new UserDaemonError('InterceptFailed', `${address} is neither an address nor a name`);
}
