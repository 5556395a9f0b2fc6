import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import type { DockerCommand } from '#docker/command.ts';
import { networkName, removeOurs } from '#docker/ours.ts';
import { testEngineKernel } from '#docker/self-test.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { inContainer } from '#protocol/helper-port.ts';
import type { Description } from './api.ts';
import { containerRuns, startDaemon, startSandbox, type WantedContainers } from './containers.ts';
import { keepLending } from './keep-lending.ts';
import { keepLogs, lastWords } from './keep-logs.ts';
import { lenderRoutes } from './lender-service.ts';
import { ensureNetwork } from './network.ts';
import { sweep } from './sweep.ts';

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly docker: DockerCommand;
  readonly access: ClusterAccess;
  readonly laptopSubnets: Parameters<typeof ensureNetwork>[0]['laptopSubnets'];
  /** Whether somebody looks after a connection. */
  readonly isAlive: (connection: string) => Promise<boolean>;
  readonly pid: number;
  /** Where what the daemons have said is kept, once their container is gone. */
  readonly logDirectory: string | undefined;
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
const endMs = 60_000;

/** Starts it all; what was begun is removed when that fails. */
export async function openDockerConnection(
  deps: Deps,
  options: WantedContainers & { readonly avoid: readonly string[] },
): Promise<DockerConnection> {
  const { docker, log } = deps;
  const { connection, laptop, daemon, token } = options;
  const ending = new AbortController();
  let hasDaemon = false;
  const remove = async (): Promise<void> => {
    const signal = AbortSignal.timeout(endMs);
    if (hasDaemon) await keepLogs(deps, daemon, signal);
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
        await orWhatTheKernelLacks(deps, options, async () => {
          await startDaemon(deps, { ...options, signal }, found);
          hasDaemon = true;
        });
        return found;
      },
    );
    const ready = Promise.withResolvers<undefined>();
    const where = { port, token };
    lending = keepLending(
      {
        ...deps,
        routes: lenderRoutes({ ...deps, daemon: where }),
        daemonRuns: async (signal) => await containerRuns(deps, daemon, signal),
      },
      { daemon: where, signal: ending.signal, onReady: () => ready.resolve(undefined) },
    );
    const gone = lending.then(async (why) => {
      throw new Error(`${why}: ${await lastWords(docker, daemon)}`);
    });
    gone.catch(() => {});
    const what = `start of the daemon in ${daemon}`;
    await orWhatTheKernelLacks(deps, options, async () => {
      await withDeadline(deps, { ms: startMs, what, signal: options.signal }, async () => {
        await Promise.race([ready.promise, gone]);
      });
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
        image: options.image,
      },
      lost: lending,
      async end() {
        const signal = AbortSignal.timeout(endMs);
        // It says goodbye to the cluster, by way of us.
        const stopped = await docker
          .run(['stop', daemon], { signal, mayFail: true })
          .then(({ stderr }) => stderr.trim(), describe);
        log.info('daemon stopped', { said: stopped });
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

/** What does not start may lack something of the engine's kernel: then that is what is said. */
async function orWhatTheKernelLacks(
  deps: Deps,
  { image, signal }: Pick<WantedContainers, 'image' | 'signal'>,
  run: () => Promise<void>,
): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (signal.aborted) throw error;
    deps.log.warning('the daemon has not started', { reason: describe(error) });
    await testEngineKernel(deps, image, signal);
    throw error;
  }
}
