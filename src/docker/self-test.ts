import * as v from 'valibot';
import type { DockerCommand } from './command.ts';
import { commandFailure } from './command-failure.ts';
import { DockerError } from './errors.ts';

/** The rights of a daemon in a container, and of nothing else of ours: no root of the engine's. */
export const daemonRights = [
  '--cap-drop=ALL',
  '--cap-add=NET_ADMIN',
  '--device=/dev/net/tun',
] as const;

const shape = v.object({
  telepresenceSelfTest: v.literal(1),
  missing: v.array(v.object({ piece: v.string(), option: v.string(), reason: v.string() })),
});
type Missing = v.InferOutput<typeof shape>['missing'][number];

const testMs = 60_000;

/** Tries the engine's kernel in a container of our image; throws with the name of what it lacks. */
export async function testEngineKernel(
  deps: { readonly docker: DockerCommand },
  image: string,
  signal: AbortSignal,
): Promise<void> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(testMs)]);
  const args = ['run', '--rm', '--network=none', ...daemonRights, '--entrypoint=self-test', image];
  const result = await deps.docker.run(args, { signal: late, mayFail: true });
  const missing = parseSelfTest(result.stdout);
  if (missing?.length === 0 && result.status === 0) return;
  if (missing === undefined || missing.length === 0) {
    // The container was not started at all: without /dev/net/tun Docker itself refuses.
    const lacks = deviceRefused(result.stderr);
    if (lacks !== undefined) throw lacks;
    const { path } = deps.docker;
    throw commandFailure({ path, args, status: result.status, said: result.stderr });
  }
  throw kernelLacks(missing, result.stdout);
}

/** The report among what a container printed, or undefined where there is none. */
export function parseSelfTest(printed: string): readonly Missing[] | undefined {
  const reportOf = v.pipe(v.string(), v.parseJson(), shape);
  for (const line of printed.split('\n')) {
    const parsed = v.safeParse(reportOf, line);
    if (parsed.success) return parsed.output.missing;
  }
  return undefined;
}

/** All that is missing is named; a right that the engine withholds is no question of its kernel. */
export function kernelLacks(missing: readonly Missing[], said: string): DockerError {
  if (missing.every(({ reason }) => /not permitted|EPERM|EACCES/i.test(reason))) {
    return new DockerError(
      'EngineUnfit',
      'the Docker Engine gives containers no right to their own network, though NET_ADMIN was asked for',
      {
        cause: new Error(said.trim()),
        hint: "look at the engine's security options: docker info (SecurityOptions)",
      },
    );
  }
  const pieces = missing.map(({ piece, option }) => `${piece} (${option})`).join(', ');
  return new DockerError('KernelLacks', `the Docker Engine's kernel lacks ${pieces}`, {
    cause: new Error(said.trim()),
    hint: 'use an engine with another kernel, or have this one loaded with these modules',
  });
}

function deviceRefused(said: string): DockerError | undefined {
  if (!/error gathering device information.*\/dev\/net\/tun/s.test(said)) return undefined;
  const piece = { piece: 'TUN devices', option: 'CONFIG_TUN', reason: '' };
  return kernelLacks([piece], said);
}
