import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import type { DockerCommand } from '#docker/command.ts';
import { listOurs, networkName, removeOurs } from '#docker/ours.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { inContainer } from '#protocol/helper-port.ts';
import type { Description } from './api.ts';
import { startDaemon, startSandbox, type WantedContainers } from './containers.ts';
import { keepLending } from './keep-lending.ts';
import { lenderRoutes } from './lender-service.ts';
import { ensureNetwork } from './network.ts';

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly docker: DockerCommand;
  readonly access: ClusterAccess;
  readonly laptopSubnets: Parameters<typeof ensureNetwork>[0]['laptopSubnets'];
  /** Whether somebody looks after a connection. */
  readonly isAlive: (connection: string) => Promise<boolean>;
  readonly pid: number;
}

/** A daemon in a container, with the laptop's services behind it. */
export interface DockerConnection {
  readonly description: Description;
  /** Resolves with why, once the daemon is gone for good. */
  readonly lost: Promise<string>;
  /** Lets the daemon end its work, and removes all that was started. */
  end(): Promise<void>;
}

const startMs = 60_000;
const lostMs = 15_000;
const endMs = 60_000;

/** Starts it all; what was begun is removed when that fails. */
export async function openDockerConnection(
  deps: Deps,
  options: WantedContainers & { readonly avoid: readonly string[] },
): Promise<DockerConnection> {
  const { docker, log } = deps;
  const { connection, laptop, daemon, token } = options;
  const ending = new AbortController();
  const remove = async (): Promise<void> => {
    const signal = AbortSignal.timeout(endMs);
    await removeOurs(deps, { laptop, network: networkName, signal }, (each) => each === connection);
  };
  let lending: Promise<string> = Promise.resolve('');
  try {
    const port = await withDeadline(
      deps,
      { ms: startMs, what: 'start of the containers', signal: options.signal },
      async (signal) => {
        await sweep(deps, { ...options, signal });
        await ensureNetwork(deps, { laptop, avoid: options.avoid, signal });
        const found = await startSandbox(deps, { ...options, signal });
        await startDaemon(deps, { ...options, signal }, found);
        return found;
      },
    );
    const ready = Promise.withResolvers<undefined>();
    const where = { port, token };
    lending = keepLending(
      { ...deps, routes: lenderRoutes({ ...deps, daemon: where }) },
      {
        daemon: where,
        lostMs,
        signal: ending.signal,
        onReady: () => ready.resolve(undefined),
      },
    );
    const gone = lending.then(async (why) => {
      throw new Error(`${why}: ${await lastWords(docker, daemon)}`);
    });
    gone.catch(() => {});
    const what = `start of the daemon in ${daemon}`;
    await withDeadline(deps, { ms: startMs, what, signal: options.signal }, async () => {
      await Promise.race([ready.promise, gone]);
    });
    return {
      description: {
        connection,
        context: deps.access.context,
        namespace: deps.access.namespace,
        networkContainer: options.sandbox,
        daemonContainer: daemon,
        port,
        token,
        rootDaemonSocket: inContainer.rootDaemonSocket,
        pid: deps.pid,
        exposedPorts: [...options.exposedPorts],
        hostname: options.hostname,
      },
      lost: lending,
      async end() {
        const signal = AbortSignal.timeout(endMs);
        // It says goodbye to the cluster, by way of us.
        const stopped = await docker.run(['stop', daemon], { signal, mayFail: true });
        log.info('daemon stopped', { said: stopped.stderr.trim() });
        ending.abort(new Error('the connection ends'));
        await lending;
        await remove();
      },
    };
  } catch (error) {
    ending.abort(new Error('the connection could not be made'));
    await lending;
    await remove().catch((left: unknown) => {
      log.warning('containers are left', { reason: describe(left) });
    });
    throw error;
  }
}

/** Removes what helpers that were killed have left, and what is left of this connection. */
async function sweep(
  deps: Deps,
  { laptop, connection, signal }: Pick<WantedContainers, 'laptop' | 'connection' | 'signal'>,
): Promise<void> {
  const found = await listOurs(deps, { laptop, signal });
  const over = new Set([connection]);
  for (const each of new Set(found.map((one) => one.connection))) {
    if (each !== connection && !(await deps.isAlive(each))) over.add(each);
  }
  if (!found.some((one) => over.has(one.connection))) return;
  const swept = await removeOurs(deps, { laptop, network: networkName, signal }, (each) =>
    over.has(each),
  );
  deps.log.info('swept', { containers: swept.map(({ name }) => name).join(' ') });
}

async function lastWords(docker: DockerCommand, container: string): Promise<string> {
  const signal = AbortSignal.timeout(5000);
  const asked = ['logs', '--tail', '5', container];
  const { stdout, stderr } = await docker.run(asked, { signal, mayFail: true });
  return `${stdout}${stderr}`.trim().slice(-1000);
}
