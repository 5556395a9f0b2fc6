import type { DockerCommand } from '#docker/command.ts';
import { handlerLabel, laptopLabel } from '#docker/ours.ts';
import { CliError } from '../errors.ts';

/**
 * Sees to it that nobody runs the project: its containers would be made anew, and removed in the end.
 * What a run of this user has left is removed.
 */
export async function freeProject(
  { docker }: { readonly docker: DockerCommand },
  of: { readonly project: string; readonly laptop: string; readonly signal: AbortSignal },
): Promise<void> {
  const { project, laptop, signal } = of;
  const format = `{{.ID}}\t{{.Names}}\t{{.State}}\t{{.Label "${laptopLabel}"}}\t{{.Label "${handlerLabel}"}}`;
  const filter = `--filter=label=com.docker.compose.project=${project}`;
  const asked = ['ps', '--all', '--no-trunc', filter, '--format', format];
  const { stdout } = await docker.run(asked, { signal });
  const found = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [id = '', name = '', state = '', owner = '', handler = ''] = line.split('\t');
      const isOurs = owner === laptop && handler !== '';
      return { id, name, isOurs, isLeft: isOurs && state !== 'running' && state !== 'paused' };
    });
  const stays = found.filter(({ isLeft }) => !isLeft);
  const [first] = stays;
  if (first !== undefined) {
    const names = stays.map(({ name }) => name).join(', ');
    throw new CliError(
      'Failed',
      first.isOurs
        ? `another run has the Compose project ${project}: ${names}`
        : `the Compose project ${project} has containers already, which would be removed in the end: ${names}`,
      {
        hint: first.isOurs
          ? 'end that run first, or give this one another name: docker.options: [--project-name, NAME]'
          : `end it first: docker compose -p ${project} down; or give this one another name: docker.options: [--project-name, NAME]`,
      },
    );
  }
  const left = found.map(({ id }) => id);
  if (left.length > 0) await docker.run(['rm', '--force', ...left], { signal, mayFail: true });
}
