import type { DockerCommand } from '#docker/command.ts';
import { handlerLabel, laptopLabel } from '#docker/ours.ts';
import { CliError } from '../errors.ts';

/** What is neither run nor about to be. */
const over = new Set(['exited', 'dead', 'removing']);

/**
 * Sees to it that nobody runs the project: its containers would be made anew, and removed in the end.
 * What a run of this user has left is removed.
 */
export async function freeProject(
  { docker }: { readonly docker: DockerCommand },
  of: {
    readonly project: string;
    readonly laptop: string;
    /** Of the run. */
    readonly id: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { project, laptop, id: own, signal } = of;
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
      return { id, name, state, handler: isOurs ? handler : '' };
    });
  // Where all of a run are made and none has run, they are about to.
  const starting = (handler: string): boolean =>
    found.every((one) => one.handler !== handler || one.state === 'created');
  const stays = found.filter(
    ({ state, handler }) =>
      handler === '' || !(over.has(state) || (state === 'created' && !starting(handler))),
  );
  const [first] = stays;
  if (first !== undefined) {
    const names = stays.map(({ name }) => name).join(', ');
    const other = `give this one another name: docker.options: [--project-name, NAME]`;
    const down = `docker compose -p ${project} down`;
    if (first.handler === own) throw sameProject(project);
    if (first.handler !== '') {
      throw new CliError('Failed', `another run has the Compose project ${project}: ${names}`, {
        hint: `end that run first, or ${other}; if there is none any more: ${down}`,
      });
    }
    throw new CliError(
      'Failed',
      `the Compose project ${project} has containers already, which would be removed in the end: ${names}`,
      { hint: `end it first: ${down}; or ${other}` },
    );
  }
  const left = found.map(({ id }) => id);
  if (left.length > 0)
    await docker.run(['rm', '--force', '--volumes', ...left], { signal, mayFail: true });
}

/** Two handlers with services of one project would each make those of the other anew. */
export function sameProject(project: string): CliError {
  return new CliError('Usage', `another handler of this run has the Compose project ${project}`, {
    hint: 'write one handler for both, whose services say their intercepts; or give one another name: docker.options: [--project-name, NAME]',
  });
}
