import { UserDaemonError } from '../errors.ts';
import type { HandlerTarget } from '../flows/handler-target.ts';
import type { PodPorts } from '../pod-ports/pod-ports.ts';
import type { WantedIntercept } from './intercept-request.ts';
import type { InterceptTable, LocalPort } from './intercept-table.ts';

/** Where a listener on 127.0.0.1 would stand in a handler's place. */
const isLoopback = (host: string): boolean => /^(localhost|127\.0\.0\.1)$/.test(host);

/**
 * Throws where a port of this machine would serve two: handlers of two intercepts, or a handler and
 * the pod's port of `--to-pod`. A handler need not listen yet, so the system itself would not notice.
 */
export function checkPorts(
  deps: {
    readonly table: Pick<InterceptTable, 'checkFree'>;
    readonly podPorts: Pick<PodPorts, 'ownerOf'>;
  },
  {
    spec,
    targets,
    toPod,
    sameHandler,
  }: Pick<WantedIntercept, 'spec' | 'toPod' | 'sameHandler'> & {
    readonly targets: readonly LocalPort[];
  },
): void {
  const { table, podPorts } = deps;
  const own = [spec.name, ...sameHandler];
  for (const target of targets) {
    table.checkFree(target, own);
    const owner = isLoopback(target.host) ? podPorts.ownerOf(target) : undefined;
    if (owner !== undefined && owner !== spec.name) throw taken(target, owner);
  }
  for (const { port, protocol } of toPod) {
    const isOwn = (one: LocalPort): boolean =>
      isLoopback(one.host) && one.port === port && one.protocol === protocol;
    if (targets.some(isOwn)) {
      throw new UserDaemonError(
        'InterceptFailed',
        `port ${String(port)} of this machine cannot be both what answers (--port) and the pod's (--to-pod)`,
      );
    }
    for (const host of ['127.0.0.1', 'localhost']) {
      table.checkFree({ host, port, protocol }, [spec.name]);
    }
  }
}

function taken({ port }: Pick<HandlerTarget, 'port'>, owner: string): UserDaemonError {
  return new UserDaemonError('PortTaken', `port ${String(port)} serves the intercept ${owner}`, {
    facts: { port: String(port), owner },
  });
}
