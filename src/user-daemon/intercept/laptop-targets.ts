import type { PortProtocol } from '#protocol/agent-config.ts';
import type { Intercept } from '#protocol/resources.ts';
import type { HandlerTarget, TakenAt } from '../flows/handler-target.ts';
import type { LocalPort } from './intercept-table.ts';

type Meant = Pick<Intercept, 'spec' | 'status'>;

/** Every place on the laptop to which an intercept sends, as far as it is known. */
export function laptopTargets({ spec, status }: Meant): readonly LocalPort[] {
  if (spec.target === undefined) return [];
  const { host, port } = spec.target;
  if (spec.containerPorts === undefined) {
    return port === undefined ? [] : [{ host, port, protocol: status.protocol ?? 'TCP' }];
  }
  return (
    status.ports?.map(({ target, protocol }) => ({ host, port: target, protocol })) ??
    spec.containerPorts.map(({ port: typed, target }) => {
      return { host, port: target, protocol: protocolTyped(typed) ?? 'TCP' };
    })
  );
}

/** What a port of a container says of its protocol: `dns/UDP`, `53`. */
export function protocolTyped(port: string | undefined): PortProtocol | undefined {
  const said = port?.split('/')[1]?.toUpperCase();
  return said === 'TCP' || said === 'UDP' ? said : undefined;
}

/** Where what was taken goes; of what an older agent does not tell the port, where there is but one place. */
export function targetFor(
  intercept: Meant,
  { port: takenAt, protocol }: TakenAt,
): HandlerTarget | undefined {
  const { spec, status } = intercept;
  const known = laptopTargets(intercept);
  if (spec.target === undefined) return undefined;
  if (spec.containerPorts === undefined) return known.length === 1 ? known[0] : undefined;
  if (takenAt === undefined) {
    const own = known.filter((one) => one.protocol === protocol);
    return own.length === 1 ? own[0] : undefined;
  }
  // It may arrive before the watch has told of the ports.
  const number = String(takenAt);
  const to =
    status.ports?.find((one) => one.port === takenAt && one.protocol === protocol) ??
    spec.containerPorts.find(({ port }) => port?.toUpperCase() === `${number}/${protocol}`) ??
    (protocol === 'TCP' ? spec.containerPorts.find(({ port }) => port === number) : undefined);
  return { host: spec.target.host, port: to?.target ?? takenAt };
}
