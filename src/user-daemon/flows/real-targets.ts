import { viaHeader } from '#protocol/flow-headers.ts';
import { parseIp } from '#protocol/ip-address.ts';
import type { VirtualAddresses } from '#protocol/virtual/addresses.ts';
import type { FlowRequest } from '#tunnel/client-session.ts';
import { TunnelError } from '#tunnel/errors.ts';
import { formatEndpoint } from '../device/endpoint.ts';
import type { PickSession } from './outbound-listener.ts';

type Meant = Pick<VirtualAddresses, 'active' | 'meant'>;

/**
 * Sessions whose flows go to what is meant by the address that a program knows, and leave from the
 * workload that was named for it. Where no address is virtual this is but a question.
 */
export function toRealTargets(virtual: Meant, pickSession: PickSession): PickSession {
  return () => {
    const session = pickSession();
    if (session === undefined || !virtual.active) return session;
    return { beginFlow: (request) => session.beginFlow(toRealTarget(virtual, request)) };
  };
}

function toRealTarget(virtual: Meant, request: FlowRequest): FlowRequest {
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(request.authority) ?? [];
  const shown = parseIp(v6 ?? v4 ?? '');
  if (shown === undefined) return request;
  const target = virtual.meant(shown);
  if (target === undefined) {
    throw new TunnelError('Unreachable', `${request.authority} is nobody's virtual address`);
  }
  const { address, via } = target;
  return {
    ...request,
    authority: formatEndpoint({ address, port: Number(port) }),
    ...(via === undefined ? {} : { headers: { ...request.headers, [viaHeader]: via } }),
  };
}
