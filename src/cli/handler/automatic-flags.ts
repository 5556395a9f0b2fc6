import type { DaemonPlace } from './place.ts';

/** What a handler's container is started with, beside the user's own words. */
export interface AutomaticFlags {
  readonly args: readonly string[];
  /** A sentence for the user, where the way that was chosen is not the best one. */
  readonly advice?: string;
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
}): AutomaticFlags {
  const { place, name, envFile, labels, volumes, forDebugger } = options;
  const common = [
    `--env-file=${envFile}`,
    ...(name === undefined ? [] : [`--name=${name}`]),
    ...labels.map((label) => `--label=${label}`),
    ...(forDebugger ? ['--cap-add=SYS_PTRACE', '--security-opt=apparmor=unconfined'] : []),
    ...volumes,
  ];
  if (place.kind === 'host') return { args: common };
  return { args: [`--network=container:${place.network}`, '--rm', ...common] };
}
