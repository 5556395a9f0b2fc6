import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseBridgeNetworks } from '#docker/bridge-networks.ts';
import type { DockerCommand } from '#docker/command.ts';
import { readEngine } from '#docker/engine.ts';
import { parseResolvConf } from '#host/resolv-conf.ts';
import { call } from '../../daemon/session.ts';
import type { UserDaemonClient } from '../../daemon/user-daemon-client.ts';
import { CliError } from '../../errors.ts';
import type { OwnNetwork } from './host-flags.ts';

/** What is known of a container's way to the cluster before it is started. */
export interface TriedNetwork {
  /** It does not need `--dns-search`, or would lose all names by it. */
  readonly withoutSearch: boolean;
  /** A sentence for the user, where the container will not reach the cluster. */
  readonly warning: string | undefined;
}

interface Deps {
  readonly docker: DockerCommand;
  readonly daemon: Pick<UserDaemonClient, 'tryBridge'>;
}

/** Finds out whether a container of that network will reach the cluster. */
export async function tryNetwork(
  { docker, daemon }: Deps,
  network: OwnNetwork,
  signal: AbortSignal,
): Promise<TriedNetwork> {
  const facts = await readEngine({ docker }, signal);
  if (!facts.isOnThisMachine) {
    throw new CliError(
      'Failed',
      'the Docker Engine is another machine, and the daemon is not there',
      {
        hint: 'run both there: telepresence quit -s, then telepresence connect --docker',
      },
    );
  }
  if (network.kind !== 'bridge') return { withoutSearch: true, warning: undefined };
  const inspect = ['network', 'inspect', network.name];
  // One that is not there, or no bridge: docker run will say so.
  const { status, stdout } = await docker.run(inspect, { signal, mayFail: true });
  const [found] = status === 0 ? parseBridgeNetworks(stdout) : [];
  const isOwn = network.name !== 'bridge';
  const withoutSearch = isOwn && Number.parseInt(facts.version, 10) < 26 && (await asksLoopback());
  // An engine in a virtual machine has its bridges there.
  if (found === undefined || !existsSync(`/sys/class/net/${found.device}`)) {
    return { withoutSearch, warning: undefined };
  }
  const { device } = found;
  const { known, blocked, blockedBy, hint } = await call(
    async () => await daemon.tryBridge({ device }, { signal }),
  );
  const what = `containers of the network ${network.name}`;
  if (!known) {
    return {
      withoutSearch,
      warning: `${what} are not led to the cluster: the network is a local cluster's, or has no way out`,
    };
  }
  if (!blocked) return { withoutSearch, warning: undefined };
  const warning =
    blockedBy === ''
      ? `${what} do not reach the cluster: a firewall of this machine drops what comes in by ${device}`
      : `${what} do not reach the cluster, because ${blockedBy} drops what comes in by ${device}; let it in: ${hint}`;
  return { withoutSearch, warning };
}

/**
 * Where this machine asks a nameserver of its own (systemd-resolved), Docker's resolver asks it on the
 * containers' behalf; but before Docker 26, with a search domain, it does so in the container.
 */
async function asksLoopback(): Promise<boolean> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  const { nameservers } = parseResolvConf(text);
  return nameservers.length > 0 && nameservers.every((one) => /^(?:127\.|::1$)/.test(one));
}
