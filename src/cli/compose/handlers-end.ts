import type { Clock } from '#base/clock.ts';
import type { DockerCommand } from '#docker/command.ts';
import { handlerLabel } from '#docker/ours.ts';

/** How a service's container may be seen while Compose makes it anew, or Docker starts it again. */
const againMs = 500;
const enoughLooks = 5;

interface Project {
  readonly docker: DockerCommand;
  /** Of the project. */
  readonly name: string;
  /** Of the run. */
  readonly id: string;
}

interface Seen {
  readonly id: string;
  readonly state: string;
  readonly exitCode: number;
}

/**
 * Resolves with the exit code of the first of these services that has ended for good: one that Docker
 * starts again has not, nor one that Compose makes anew because a file has changed.
 */
export async function firstEnd(
  { clock }: { readonly clock: Clock },
  project: Project,
  options: { readonly services: readonly string[]; readonly signal: AbortSignal },
): Promise<{ readonly service: string; readonly exitCode: number }> {
  const { services, signal } = options;
  const over = new AbortController();
  const either = AbortSignal.any([over.signal, signal]);
  try {
    return await Promise.race(
      services.map(async (service) => {
        const exitCode = await endOf({ clock }, project, { service, signal: either });
        return { service, exitCode };
      }),
    );
  } finally {
    over.abort(new Error('another one has ended'));
  }
}

async function endOf(
  { clock }: { readonly clock: Clock },
  project: Project,
  { service, signal }: { readonly service: string; readonly signal: AbortSignal },
): Promise<number> {
  for (let ends = 0; ends < enoughLooks;) {
    const seen = await containersOf(project, service, signal);
    const running = seen.find(({ state }) => state === 'running' || state === 'paused');
    if (running !== undefined) {
      ends = 0;
      // Returns when it ends, and also when it is removed.
      await project.docker.run(['wait', running.id], { signal, mayFail: true });
      continue;
    }
    const ended = seen.find(({ state }) => state === 'exited' || state === 'dead');
    const isComing = seen.some(({ state }) => state === 'created' || state === 'restarting');
    ends = isComing || (seen.length === 0 && ends === 0) ? 0 : ends + 1;
    if (ended !== undefined && ends === enoughLooks) return ended.exitCode;
    await clock.sleep(againMs, signal);
  }
  return 0;
}

/** The exit codes of services whose containers have ended. */
export async function exitCodes(
  project: Project,
  services: readonly string[],
  signal: AbortSignal,
): Promise<readonly number[]> {
  const all = await Promise.all(
    services.map(async (service) => await containersOf(project, service, signal)),
  );
  return all.flat().flatMap(({ state, exitCode }) => (state === 'exited' ? [exitCode] : []));
}

async function containersOf(
  { docker, name, id }: Project,
  service: string,
  signal: AbortSignal,
): Promise<readonly Seen[]> {
  const filters = [
    `label=${handlerLabel}=${id}`,
    `label=com.docker.compose.project=${name}`,
    `label=com.docker.compose.service=${service}`,
  ].map((filter) => `--filter=${filter}`);
  const listed = await docker.run(['ps', '--all', '--quiet', '--no-trunc', ...filters], {
    signal,
    mayFail: true,
  });
  const ids = listed.stdout.split('\n').filter(Boolean);
  if (ids.length === 0) return [];
  const format = '{{.Id}}\t{{.State.Status}}\t{{.State.ExitCode}}';
  const { stdout } = await docker.run(['inspect', '--format', format, ...ids], {
    signal,
    mayFail: true,
  });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [one = '', state = '', exitCode = ''] = line.split('\t');
      return { id: one, state, exitCode: Number(exitCode) };
    });
}
