import type { ConnectRouter } from '@connectrpc/connect';
import { Code, ConnectError } from '@connectrpc/connect';

import { logLevel, type LevelSwitch } from '#base/log.ts';
import { version } from '#base/version.ts';
import { formatSubnet } from '#host/subnets.ts';
import { RootDaemon } from '#protocol/gen/telepresence_pb.ts';

import type { BridgeWay } from '../bridges/try-bridge.ts';
import type { Machine } from '../machine.ts';
import { clusterAnswerMs } from '../resolver/name-service.ts';
import type { ServeHold } from './hold.ts';
import { virtualSubnetsOf } from './virtual-subnets-of.ts';

interface Deps {
  readonly machine: Pick<Machine, 'state'>;
  readonly hold: ServeHold;
  readonly executable: string;
  readonly level: LevelSwitch;
  readonly tryBridge: (device: string, signal: AbortSignal) => Promise<BridgeWay>;
  /** Ends this process, after the answer has gone out. */
  readonly quit: () => void;
}

/** The service for the user whose daemon this is. */
export function rootDaemonRoutes(deps: Deps): (router: ConnectRouter) => void {
  const about = { version, executable: deps.executable, name: 'Root Daemon' };
  return (router) =>
    router.service(RootDaemon, {
      hold: deps.hold,
      version: () => about,
      status() {
        const state = deps.machine.state;
        if (state === undefined) return { running: true, version };
        const { plan, settled, names } = state;
        return {
          running: true,
          version,
          subnets: settled.kept.subnets.map(formatSubnet),
          alsoProxy: settled.kept.alsoProxy.map(formatSubnet),
          neverProxy: plan.spared.map(formatSubnet),
          allowConflictingSubnets: plan.mayConflict.map(formatSubnet),
          virtualSubnets: virtualSubnetsOf(settled),
          ...(names !== undefined && {
            dns: {
              localAddress: names.local,
              remoteAddress: names.nameserver ?? '',
              excludeSuffixes: [...(plan.names?.excludeSuffixes ?? [])],
              includeSuffixes: [...(plan.names?.includeSuffixes ?? [])],
              timeoutMs: plan.names?.lookupTimeoutMs || clusterAnswerMs,
            },
          }),
        };
      },
      setLogLevel({ level: name, durationMs }) {
        const level = logLevel(name);
        if (level === undefined) throw new ConnectError(`no level: ${name}`, Code.InvalidArgument);
        deps.level.set(level, Number(durationMs));
        return {};
      },
      async tryBridge({ device }, { signal }) {
        const way = await deps.tryBridge(device, signal);
        const rule = way.kind === 'blocked' ? way.rule : undefined;
        return {
          known: way.kind !== 'unknown',
          blocked: way.kind === 'blocked',
          blockedBy: rule?.what ?? '',
          hint: rule?.hint ?? '',
        };
      },
      quit() {
        setImmediate(deps.quit);
        return {};
      },
    });
}

/** The service for anybody else: who owns this daemon, and no more. */
export function foreignRoutes(ownerName: string): (router: ConnectRouter) => void {
  const refuse = (): never => {
    throw new ConnectError(
      `this machine's root daemon belongs to ${ownerName}`,
      Code.PermissionDenied,
    );
  };
  return (router) =>
    router.service(RootDaemon, {
      hold: refuse,
      version: refuse,
      status: refuse,
      quit: refuse,
      setLogLevel: refuse,
      tryBridge: refuse,
    });
}
