import type { Intercept } from '#protocol/resources.ts';
import type { HandlerTarget } from '../flows/handler-target.ts';
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
    spec.containerPorts.map(({ target }) => ({ host, port: target, protocol: 'TCP' }))
  );
}

/** Where a connection goes that was taken at the app's port; without one, of older agents, if there is but one. */
export function targetFor(
  intercept: Meant,
  takenAt: number | undefined,
): HandlerTarget | undefined {
  const { spec, status } = intercept;
  const known = laptopTargets(intercept);
  if (spec.target === undefined || spec.containerPorts === undefined || takenAt === undefined) {
    return known.length === 1 ? known[0] : undefined;
  }
  // It may arrive before the watch has told of the ports.
  const to =
    status.ports?.find(({ port }) => port === takenAt) ??
    spec.containerPorts.find(({ port }) => port === String(takenAt));
  return { host: spec.target.host, port: to?.target ?? takenAt };
}
