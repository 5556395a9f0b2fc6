import { once } from 'node:events';
import { createServer } from 'node:net';
import { systemCode } from '#base/errors.ts';
import type { DockerCommand } from '#docker/command.ts';
import type { CliContext } from '../../context.ts';
import type { UserDaemonClient } from '../../daemon/user-daemon-client.ts';
import { CliError } from '../../errors.ts';
import { docked } from '../../docker/docker-failure.ts';
import type { DockerWords } from '../docker-words.ts';
import { ownNetwork, type OwnNetwork } from './host-flags.ts';
import { tryNetwork } from './try-network.ts';

/** What is known of a handler whose daemon runs on this machine, before anything is intercepted. */
export interface BesideHost {
  readonly network: OwnNetwork;
  readonly withoutSearch: boolean;
  /** In the container; undefined: the local one. */
  readonly containerPort: number | undefined;
  /** Undefined: none of the pod's volumes. */
  readonly volumes: { readonly root: string | undefined; readonly readOnly: boolean } | undefined;
}

interface Asked extends Pick<BesideHost, 'containerPort' | 'volumes'> {
  readonly command: string;
  readonly words: DockerWords;
  /** Where the container's port is to be published; undefined: none is. */
  readonly local: { readonly host: string; readonly port: number } | undefined;
}

/** Looks at the way between this machine and the container, and says what is not good about it. */
export async function prepareBesideHost(
  context: CliContext,
  deps: {
    readonly docker: DockerCommand;
    readonly daemon: Pick<UserDaemonClient, 'tryBridge'>;
  },
  { command, words, local, containerPort, volumes }: Asked,
): Promise<BesideHost> {
  const warn = (sentence: string): void =>
    context.warn(`telepresence ${command}: warning: ${sentence}`);
  const network = ownNetwork(words);
  if (network.kind === 'bridge' && local !== undefined) await refuseTaken(local);
  const { withoutSearch, warning } = await docked(
    async () => await tryNetwork(deps, network, context.signal),
  );
  warn(
    "the container runs beside a daemon that changes this machine's network, which is not recommended: connect with --docker",
  );
  if (warning !== undefined) warn(warning);
  return { network, withoutSearch, containerPort, volumes };
}

/** Docker would say so too, but only after the pods' traffic has been led there. */
async function refuseTaken({ host, port }: { host: string; port: number }): Promise<void> {
  const server = createServer();
  try {
    const listening = once(server, 'listening');
    server.listen(port, host);
    await listening;
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') return;
    throw new CliError('Failed', `${host}:${String(port)} is in use on this machine`, {
      cause: error,
      hint: 'take another one: --port LOCAL:CONTAINER; ss -ltnp shows who has it',
    });
  } finally {
    await server[Symbol.asyncDispose]().catch(() => {});
  }
}
