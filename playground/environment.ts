import { join } from 'node:path';
import type { Laptop } from './addresses.ts';
import { kubeconfigPath } from './kubeconfig.ts';
import type { Layout } from './layout.ts';
import { clusterMachine } from './machine.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of a command on a laptop: a home and temporary directory of its own. */
export function laptopEnvironment(
  layout: Layout,
  options: {
    readonly laptop: Laptop;
    readonly kubeconfig: string;
    readonly inherited: Environment;
  },
): Environment {
  const own = join(layout.state, options.laptop.name);
  const home = join(own, 'home');
  return {
    ...options.inherited,
    PATH: path(layout, options.inherited),
    KUBECONFIG: kubeconfigPath(layout, options.kubeconfig),
    HOME: home,
    TMPDIR: join(own, 'tmp'),
    XDG_CACHE_HOME: join(home, '.cache'),
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local/share'),
    XDG_STATE_HOME: join(home, '.local/state'),
    XDG_RUNTIME_DIR: '/run/user/0',
    PLAYGROUND_CGROUP: `/${layout.cgroup}`,
    PLAYGROUND_NAME: layout.name,
    ...noProxy,
  };
}

/** The environment of a command on the cluster's node. */
export function clusterEnvironment(layout: Layout, inherited: Environment): Environment {
  return {
    ...inherited,
    PATH: path(layout, inherited),
    KUBECONFIG: kubeconfigPath(layout, 'admin'),
    HOME: join(layout.state, clusterMachine, 'home'),
    TMPDIR: join(layout.state, clusterMachine, 'tmp'),
    CONTAINERD_NAMESPACE: 'k8s.io',
    PLAYGROUND_NAME: layout.name,
    ...noProxy,
  };
}

// A proxy of the real machine cannot be reached from inside.
const noProxy = {
  http_proxy: '',
  https_proxy: '',
  HTTP_PROXY: '',
  HTTPS_PROXY: '',
  ALL_PROXY: '',
} as const;

function path(layout: Layout, inherited: Environment): string {
  const machine = inherited['PATH'] || '/usr/local/bin:/usr/bin:/bin';
  return `${layout.bin}:${machine}:/usr/local/sbin:/usr/sbin:/sbin`;
}
