import type { ChildProcess } from 'node:child_process';
import type { Clock } from '#base/clock.ts';
import type { DockerCommand } from '#docker/command.ts';

/** `docker stop` has its own patience; where the engine is gone, nobody else has. */
const stopMs = 60_000;
const againMs = 1000;

/**
 * Has a container stopped until the command that runs it has ended. Once is not enough: one that is
 * made and not started yet stays as it is, with success, and is started thereafter.
 */
export async function stopContainer(
  { clock }: { readonly clock: Clock },
  { docker }: { readonly docker: DockerCommand },
  running: {
    readonly container: string;
    /** The docker command that runs it. */
    readonly child: Pick<ChildProcess, 'kill'>;
    /** Aborts when that has ended. */
    readonly over: AbortSignal;
    /** From its stop signal to its end; undefined: the container's own, or Docker's. */
    readonly graceSeconds?: number;
  },
): Promise<void> {
  const { container, child, over, graceSeconds = 0 } = running;
  const patience = AbortSignal.timeout(stopMs + graceSeconds * 1000);
  const signal = AbortSignal.any([over, patience]);
  const grace = running.graceSeconds === undefined ? [] : ['-t', String(graceSeconds)];
  let wasThere = false;
  try {
    for (;;) {
      const options = { signal, mayFail: true, detached: true };
      const { status } = await docker.run(['stop', ...grace, container], options);
      if (status === 0) wasThere = true;
      // Not made yet, or gone by itself: then nothing is left for the command to wait for.
      else if (!wasThere) child.kill('SIGTERM');
      await clock.sleep(againMs, signal);
    }
  } catch {
    if (!over.aborted) child.kill('SIGKILL');
  }
}
