import { join } from 'node:path';

/** Where one playground keeps everything it writes; all of it below `state`. */
export interface Layout {
  readonly name: string;
  readonly state: string;
  /** Programs for both sides' PATH, and the pods' and machines' first process. */
  readonly bin: string;
  readonly programs: string;
  readonly certificates: string;
  readonly kubeconfigs: string;
  readonly logs: string;
  /** What components are configured with. */
  readonly config: string;
  /** Written last by `up`. */
  readonly ready: string;
  readonly lock: string;
  /** Below each cgroup hierarchy's root. */
  readonly cgroup: string;
  /** Built programs and images, shared by all playgrounds and kept by `down`. */
  readonly cache: string;
}

/** The directories of the playground called `name`. */
export function layoutOf(options: {
  readonly name: string;
  readonly root: string;
  readonly cache: string;
}): Layout {
  const state = join(options.root, options.name);
  return {
    name: options.name,
    state,
    bin: join(state, 'bin'),
    programs: join(state, 'programs'),
    certificates: join(state, 'certificates'),
    kubeconfigs: join(state, 'kubeconfigs'),
    logs: join(state, 'logs'),
    config: join(state, 'config'),
    ready: join(state, 'ready.json'),
    lock: join(options.root, `${options.name}.lock`),
    cgroup: `telepresence-playground-${options.name}`,
    cache: options.cache,
  };
}
