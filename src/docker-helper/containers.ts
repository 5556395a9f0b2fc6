import type { DockerCommand } from '#docker/command.ts';
import { commandFailure } from '#docker/command-failure.ts';
import { DockerError } from '#docker/errors.ts';
import { connectionLabel, laptopLabel, networkName } from '#docker/ours.ts';
import { daemonRights } from '#docker/self-test.ts';
import { daemonWord } from '#docker/image/client-image.ts';
import { tar } from '#docker/image/tar.ts';
import { exemptGroup } from '#protocol/gate.ts';
import { inContainer } from '#protocol/helper-port.ts';
import { HelperError } from './errors.ts';
import { isFreePort, portCandidates } from './daemon-port.ts';

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
  /** Of the sandbox; empty: Docker's own choice. */
  readonly hostname: string;
  /** As docker's `-p` takes them. */
  readonly exposedPorts: readonly string[];
  /** user@laptop, for people. */
  readonly client: string;
  readonly installId: string;
  readonly token: string;
  readonly signal: AbortSignal;
}

/** A container that does nothing, with a network that the daemon and handlers join; returns the daemon's port. */
export async function startSandbox(deps: Deps, wanted: WantedContainers): Promise<number> {
  for (const port of portCandidates(wanted.exposedPorts)) {
    if (!(await isFreePort(port))) continue;
    try {
      await startWithPort(deps, wanted, port);
      return port;
    } catch (error) {
      // Somebody was faster, or sits on a machine that we do not see from here.
      const isOurs = error instanceof DockerError && error.code === 'PortTaken';
      if (!isOurs || !error.message.includes(`127.0.0.1:${String(port)} `)) throw error;
    }
  }
  throw new HelperError(
    'NoPort',
    `no port of 127.0.0.1 from ${String(inContainer.port)} on is free`,
  );
}

async function startWithPort(
  { docker }: Deps,
  wanted: WantedContainers,
  port: number,
): Promise<void> {
  const { signal, sandbox } = wanted;
  const ipv6 = ['--sysctl', 'net.ipv6.conf.all.disable_ipv6=0'];
  const args = sandboxArgs(wanted, port, ipv6);
  const started = await docker.run(args, { signal, mayFail: true });
  if (started.status === 0) return;
  const { status, stderr: said } = started;
  const failure = commandFailure({ path: docker.path, args, status, said });
  // It is another connection's, or somebody's own, and stays.
  if (failure.code === 'NameInUse') throw failure;
  // What was made and could not be started has the name.
  const remove = async (): Promise<unknown> =>
    await docker.run(['rm', '--force', sandbox], { signal, mayFail: true });
  await remove();
  // A kernel without IPv6 has no such switch.
  const hasNone = /disable_ipv6/.test(started.stderr);
  try {
    await docker.run(sandboxArgs(wanted, port, hasNone ? [] : ipv6), { signal });
  } catch (error) {
    await remove();
    throw error;
  }
}

function sandboxArgs(
  wanted: WantedContainers,
  port: number,
  sysctls: readonly string[],
): readonly string[] {
  const { sandbox, hostname, exposedPorts, image } = wanted;
  const both = String(port);
  return [
    'run',
    '--detach',
    ...labelled(wanted, sandbox),
    `--network=${networkName}`,
    ...(hostname === '' ? [] : [`--hostname=${hostname}`]),
    `--publish=127.0.0.1:${both}:${both}`,
    ...exposedPorts.map((each) => `--publish=${each}`),
    ...sysctls,
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
    '--user=65534:65534',
    '--entrypoint=pause',
    image,
  ];
}

/** Both daemons in a container that joins the sandbox's network. */
export async function startDaemon(
  { docker }: Deps,
  wanted: WantedContainers,
  port: number,
): Promise<void> {
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
      // It may run for weeks.
      '--log-driver=json-file',
      '--log-opt=max-size=10m',
      '--log-opt=max-file=3',
      image,
      daemonWord,
      String(port),
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

/** Whether a container runs; one that is gone does not. */
export async function containerRuns(
  { docker }: Deps,
  container: string,
  signal: AbortSignal,
): Promise<boolean> {
  const listed = ['ps', '--quiet', '--filter', `name=^/?${container}$`];
  return (await docker.run(listed, { signal })).stdout.trim() !== '';
}

function labelled({ connection, laptop }: WantedContainers, name: string): readonly string[] {
  const labels = [`${connectionLabel}=${connection}`, `${laptopLabel}=${laptop}`];
  return [`--name=${name}`, ...labels.map((label) => `--label=${label}`)];
}
