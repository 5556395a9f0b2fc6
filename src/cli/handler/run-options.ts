/** What is known of `docker run`'s options: which there are, and which of them take no value. */
export interface RunOptions {
  /** Letter → long name. */
  readonly shorts: ReadonlyMap<string, string>;
  readonly switches: ReadonlySet<string>;
  readonly known: ReadonlySet<string>;
}

/**
 * The options that the installed command lists (`docker run --help`). A type's name stands after those
 * that take a value; the rest are switches. Help that is not understood leaves what every version has.
 */
export function parseRunHelp(help: string): RunOptions {
  const shorts = new Map<string, string>();
  const switches = new Set<string>();
  const known = new Set<string>();
  for (const line of help.split('\n')) {
    const match =
      /^ {1,6}(?:-([A-Za-z]), )? *--([a-z0-9][a-z0-9-]*)(?: ([A-Za-z0-9<][^ ]*))?(?: |$)/.exec(
        line,
      );
    if (match === null) continue;
    const [, short, name = '', type] = match;
    known.add(name);
    if (short !== undefined) shorts.set(short, name);
    if (type === undefined) switches.add(name);
  }
  return known.size < fewest ? everyVersions : withHidden({ shorts, switches, known });
}

/** Versions 20.10 to 29 list more than 90. */
const fewest = 40;

/** Understood by every version, and listed by none. */
const hidden: ReadonlyMap<string, string> = new Map([
  ['net', 'network'],
  ['net-alias', 'network-alias'],
  ['dns-opt', 'dns-option'],
]);

/** The listed name of an option. */
export function listedName(name: string): string {
  return hidden.get(name) ?? name;
}

function withHidden({ shorts, switches, known }: RunOptions): RunOptions {
  return {
    shorts,
    switches: new Set([...switches, 'help']),
    known: new Set([...known, ...hidden.keys(), 'help']),
  };
}

/** What versions 20.10 to 29 have in common, where the installed one does not say. */
export const everyVersions: RunOptions = withHidden({
  shorts: new Map([
    ['a', 'attach'],
    ['c', 'cpu-shares'],
    ['d', 'detach'],
    ['e', 'env'],
    ['h', 'hostname'],
    ['i', 'interactive'],
    ['l', 'label'],
    ['m', 'memory'],
    ['p', 'publish'],
    ['P', 'publish-all'],
    ['q', 'quiet'],
    ['t', 'tty'],
    ['u', 'user'],
    ['v', 'volume'],
    ['w', 'workdir'],
  ]),
  switches: new Set([
    'detach',
    'disable-content-trust',
    'init',
    'interactive',
    'no-healthcheck',
    'oom-kill-disable',
    'privileged',
    'publish-all',
    'quiet',
    'read-only',
    'rm',
    'sig-proxy',
    'tty',
    'use-api-socket',
  ]),
  known: new Set(
    `add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns
     cidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus
     cpuset-cpus cpuset-mems detach detach-keys device device-cgroup-rule device-read-bps
     device-read-iops device-write-bps device-write-iops disable-content-trust dns dns-option
     dns-search domainname entrypoint env env-file expose gpus group-add health-cmd health-interval
     health-retries health-start-interval health-start-period health-timeout hostname init interactive
     io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label label-file link link-local-ip
     log-driver log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name
     network network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit platform
     privileged publish publish-all pull quiet read-only restart rm runtime security-opt shm-size
     sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit use-api-socket user userns
     uts volume volume-driver volumes-from workdir`
      .split(/\s+/)
      .filter(Boolean),
  ),
});
