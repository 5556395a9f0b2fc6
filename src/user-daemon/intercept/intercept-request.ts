import { isIP } from 'node:net';
import type { InterceptRequest } from '#protocol/gen/telepresence_pb.ts';
import type { ConnectionSpec, InterceptSpec } from '#protocol/resources.ts';
import { UserDaemonError } from '../errors.ts';
import type { HandlerTarget } from '../flows/handler-target.ts';
import type { PodPort } from '../pod-ports/pod-port.ts';

/** The Connection that an Intercept belongs to. */
export interface OwnConnection {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly spec: Pick<ConnectionSpec, 'user' | 'client'>;
}

/** What the CLI asked for, checked and split. */
export interface WantedIntercept {
  readonly namespace: string;
  readonly target: HandlerTarget;
  readonly spec: InterceptSpec;
  /** Ports of the pod's loopback that are wanted on this machine's. */
  readonly toPod: readonly PodPort[];
}

/** An Intercept's spec as `telepresence intercept` means it. */
export function wantedIntercept(
  request: InterceptRequest,
  connection: OwnConnection,
): WantedIntercept {
  const [laptopPort = '', servicePort] = request.port.split(':');
  const port = Number(laptopPort);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new UserDaemonError('InterceptFailed', `${request.port} is no port`);
  }
  const target = { host: targetHost(request.address), port };
  return {
    namespace: request.namespace === '' ? connection.namespace : request.namespace,
    target,
    toPod: request.toPod.map(({ port: podPort, protocol }) => ({
      port: podPort,
      protocol: protocol === 'UDP' ? 'UDP' : 'TCP',
    })),
    spec: {
      name: request.name,
      user: connection.spec.user,
      client: connection.spec.client,
      connection: { namespace: connection.namespace, name: connection.name, uid: connection.uid },
      workload: { name: request.workload === '' ? request.name : request.workload },
      ...(request.service === '' ? {} : { service: request.service }),
      ...(servicePort === undefined || servicePort === '' ? {} : { port: servicePort }),
      ...(request.container === '' ? {} : { container: request.container }),
      mechanism: 'tcp',
      target,
      ...(request.force ? { force: true } : {}),
    },
  };
}

function targetHost(address: string): string {
  if (address === '') return '127.0.0.1';
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0 || /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i.test(bare)) return bare;
  throw new UserDaemonError('InterceptFailed', `${address} is neither an address nor a name`);
}
