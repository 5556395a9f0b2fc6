import type { DaemonPlace } from './place.ts';

/** What a handler's container is started with, beside the user's own words. */
export interface AutomaticFlags {
  readonly args: readonly string[];
}

/** The flags that connect a container with its intercept; the user's come after them, and win. */
export function automaticFlags(options: {
  readonly place: DaemonPlace;
  /** Undefined: the user has named it. */
  readonly name: string | undefined;
  readonly envFile: string;
  readonly labels: readonly string[];
  /** `-v …`, one after the other. */
  readonly volumes: readonly string[];
  /** Whether a debugger is to run in it. */
  readonly forDebugger: boolean;
  /** What leads to it from this machine, where the daemon runs here. */
  readonly network: readonly string[];
}): AutomaticFlags {
  const { place, name, envFile, labels, volumes, forDebugger, network } = options;
  const common = [
    `--env-file=${envFile}`,
    ...(name === undefined ? [] : [`--name=${name}`]),
    ...labels.map((label) => `--label=${label}`),
    ...(forDebugger ? ['--cap-add=SYS_PTRACE', '--security-opt=apparmor=unconfined'] : []),
    ...volumes,
  ];
  if (place.kind === 'host') return { args: [...network, ...common] };
  return { args: [`--network=container:${place.network}`, '--rm', ...common] };
}
