import type { DockerCommand } from './command.ts';

/** What a daemon's container has said, by the file that each part is kept in. */
export interface DaemonLogs {
  readonly user: { readonly name: string; readonly text: string };
  readonly root: { readonly name: string; readonly text: string };
}

/** The names of those files. */
export function daemonLogNames(container: string): {
  readonly user: string;
  readonly root: string;
} {
  return { user: `${container}.user-daemon.log`, root: `${container}.root-daemon.log` };
}

/** Both daemons' lines: the root daemon's are on the container's standard output, the user daemon's on the other. */
export async function readDaemonLogs(
  { docker }: { readonly docker: DockerCommand },
  container: string,
  signal: AbortSignal,
): Promise<DaemonLogs> {
  const { stdout, stderr } = await docker.run(['logs', container], { signal });
  const { user, root } = daemonLogNames(container);
  return { user: { name: user, text: stderr }, root: { name: root, text: stdout } };
}
