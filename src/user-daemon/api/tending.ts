import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { logLevel, type LevelSwitch } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import type { ListResponse, SetLogLevelRequest } from '#protocol/gen/telepresence_pb.ts';
import { UserDaemonError } from '../errors.ts';
import { gatherLogs, type LogPart, type WantedLogs } from '../logs/gather-logs.ts';
import type { Connector } from '../session/connector.ts';
import { setRootLogLevel, type RootDaemonClient } from '../session/machine.ts';
import type { Session } from '../session/session.ts';
import { watchList } from '../session/workload-list.ts';

/** The list, again and again; that the connection ends is an error to whoever watches. */
export async function* watching(
  connector: Connector,
  namespace: string,
  signal: AbortSignal,
): AsyncGenerator<ListResponse> {
  yield* watchList(connector.need(), namespace, signal);
  signal.throwIfAborted();
  throw new UserDaemonError('NotConnected', 'the connection has ended');
}

/** Ends our own intercepts of the workloads, and has their agents taken out. */
export async function uninstallAgents(
  { intercepts, link, info }: Session,
  workloads: readonly string[],
  signal: AbortSignal,
): Promise<{ removed: string[]; refused: string[] }> {
  const { namespace } = info;
  const ours = intercepts.list().filter((one) => one.namespace === namespace);
  for (const { id, name, workload } of ours) {
    if (workloads.length > 0 && !workloads.includes(workload)) continue;
    await intercepts.leave({ id, name });
  }
  const { removed, refused } = await link.removeAgents({ namespace, workloads }, signal);
  return { removed, refused };
}

interface LevelDeps {
  readonly clock: Pick<Clock, 'after'>;
  readonly connector: Connector;
  readonly rootDaemon: RootDaemonClient;
  readonly level: LevelSwitch;
}

/** It only has to run. */
const rootMs = 2000;

/** Turns the level of whoever is meant; who could not be told is in the answer. */
export async function setLogLevel(
  deps: LevelDeps,
  request: SetLogLevelRequest,
  signal: AbortSignal,
): Promise<{ refused: string[] }> {
  const level = logLevel(request.level);
  if (level === undefined) throw new UserDaemonError('Internal', `no level ${request.level}`);
  const { durationMs } = request;
  const refused: string[] = [];
  const tell = async (whom: string, run: () => Promise<void>): Promise<void> => {
    try {
      await run();
    } catch (error) {
      signal.throwIfAborted();
      refused.push(`${whom}: ${describe(error)}`);
    }
  };
  if (request.local) {
    deps.level.set(level, Number(durationMs));
    const wanted = { level, durationMs };
    await tell('the root daemon', async () => {
      const waiting = { ms: rootMs, what: 'log level', signal };
      await withDeadline(deps, waiting, async (within) => {
        await setRootLogLevel(deps.rootDaemon, wanted, within);
      });
    });
  }
  if (request.remote) {
    await tell('the traffic-manager and its agents', async () => {
      await deps.connector.need().link.setLogLevel({ level, durationMs }, signal);
    });
  }
  return { refused };
}

/** The logs of the cluster; without a connection, why there are none. */
export async function* gathering(
  { state }: Connector,
  wanted: WantedLogs,
  signal: AbortSignal,
): AsyncGenerator<LogPart> {
  if (state.kind !== 'connected') {
    const trouble = 'not connected to a cluster';
    const facts = { namespace: '', trouble };
    if (wanted.manager) yield { name: 'traffic-manager.missing.txt', ...facts };
    if (wanted.agents.toLowerCase() !== 'none') {
      yield { name: 'traffic-agents.missing.txt', ...facts };
    }
    return;
  }
  const { client, info } = state.session;
  yield* gatherLogs(client, { ...wanted, ...info }, signal);
}
