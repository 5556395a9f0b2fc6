import type { DockerCommand } from '#docker/command.ts';
import { connectionLabel, laptopLabel, networkName } from '#docker/ours.ts';
import { daemonRights } from '#docker/self-test.ts';
import { tar } from '#docker/image/tar.ts';
import { exemptGroup } from '#protocol/gate.ts';
import { inContainer } from '#protocol/helper-port.ts';
import { HelperError } from './errors.ts';

interface Deps {
  readonly docker: DockerCommand;
}

/** The containers of a connection, as they are to be. */
export interface WantedContainers {
  readonly connection: string;
  readonly laptop: string;
  readonly image: string;
  /** Owns the network: it stays what it is, whatever becomes of the daemon. */
  readonly sandbox: string;
  readonly daemon: string;
  /** user@laptop, for people. */
  readonly client: string;
  readonly installId: string;
  readonly token: string;
  readonly signal: AbortSignal;
}

/** A container that does nothing, with a network that the daemon and handlers join; returns the laptop's port. */
export async function startSandbox({ docker }: Deps, wanted: WantedContainers): Promise<number> {
  const { signal, sandbox, image } = wanted;
  const ipv6 = ['--sysctl', 'net.ipv6.conf.all.disable_ipv6=0'];
  const run = (sysctls: readonly string[]): readonly string[] => [
    'run',
    '--detach',
    ...labelled(wanted, sandbox),
    `--network=${networkName}`,
    `--publish=127.0.0.1::${String(inContainer.port)}`,
    ...sysctls,
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
    '--user=65534:65534',
    '--entrypoint=pause',
    image,
  ];
  const started = await docker.run(run(ipv6), { signal, mayFail: true });
  if (started.status !== 0) {
    // A kernel without IPv6 has no such switch.
    const hasNone = /disable_ipv6/.test(started.stderr);
    await docker.run(['rm', '--force', sandbox], { signal, mayFail: true });
    await docker.run(run(hasNone ? [] : ipv6), { signal });
  }
  const asked = ['port', sandbox, `${String(inContainer.port)}/tcp`];
  const { stdout } = await docker.run(asked, { signal });
  const port = /127\.0\.0\.1:(\d+)/.exec(stdout)?.[1];
  if (port === undefined) throw new HelperError('Lost', `docker port ${sandbox}: ${stdout.trim()}`);
  return Number(port);
}

/** Both daemons in a container that joins the sandbox's network. */
export async function startDaemon({ docker }: Deps, wanted: WantedContainers): Promise<void> {
  const { signal, sandbox, daemon, image, token } = wanted;
  await docker.run(
    [
      'create',
      ...labelled(wanted, daemon),
      `--network=container:${sandbox}`,
      ...daemonRights,
      '--security-opt=no-new-privileges',
      // Of that group the root daemon's questions pass its own rules, without a right to change groups.
      `--user=0:${String(exemptGroup)}`,
      '--stop-timeout=20',
      '--entrypoint=sh',
      image,
      '-c',
      daemonScript,
      'telepresence',
      wanted.client,
      wanted.installId,
    ],
    { signal },
  );
  // Neither an argument nor a variable: both are there to be read by whoever may look at containers.
  const file = {
    kind: 'file',
    path: inContainer.tokenFile.slice(1),
    mode: 0o600,
    content: { bytes: Buffer.from(token) },
  } as const;
  const directory = { kind: 'directory', path: 'run/telepresence', mode: 0o700 } as const;
  const files = tar([directory, file]);
  await docker.run(['cp', '-', `${daemon}:/`], { signal, input: files });
  await docker.run(['start', daemon], { signal });
}

function labelled({ connection, laptop }: WantedContainers, name: string): readonly string[] {
  const labels = [`${connectionLabel}=${connection}`, `${laptopLabel}=${laptop}`];
  return [`--name=${name}`, ...labels.map((label) => `--label=${label}`)];
}

/** The user daemon is the container's first process: its end is the container's. */
const daemonScript = `umask 077
mkdir -p ${inContainer.stateDir}
while :; do
  root-daemon --socket ${inContainer.rootDaemonSocket} --uid 0
  sleep 1
done &
exec user-daemon --socket ${inContainer.userDaemonSocket} \\
  --root-socket ${inContainer.rootDaemonSocket} --state-dir ${inContainer.stateDir} \\
  --executable telepresence --listen 0.0.0.0:${String(inContainer.port)} \\
  --token-file ${inContainer.tokenFile} --client "$1" --install-id "$2"`;
