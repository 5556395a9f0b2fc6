import type { DockerCommand } from '#docker/command.ts';
import { handlerLabel, laptopLabel } from '#docker/ours.ts';
import { CliError } from '../errors.ts';

/** Sees to it that nobody has the name: what an earlier handler of this user has left is removed. */
export async function freeName(
  { docker }: { readonly docker: DockerCommand },
  options: {
    readonly name: string;
    readonly laptop: string;
    readonly signal: AbortSignal;
    /** How another name is given; else as the flags of an intercept have it. */
    readonly rename?: string;
  },
): Promise<void> {
  const { name, laptop, signal, rename = '--docker-run -- --name NAME …' } = options;
  const format = `{{.Names}}\t{{.State}}\t{{.Label "${laptopLabel}"}}\t{{.Label "${handlerLabel}"}}`;
  const asked = ['ps', '--all', `--filter=name=${name}`, '--format', format];
  const { stdout } = await docker.run(asked, { signal });
  for (const line of stdout.split('\n')) {
    const [names = '', state = '', owner = '', handler = ''] = line.split('\t');
    if (!names.split(',').includes(name)) continue;
    const isOurs = owner === laptop && handler !== '';
    if (isOurs && state !== 'running' && state !== 'paused') {
      await docker.run(['rm', '--force', '--volumes', name], { signal });
      continue;
    }
    throw new CliError(
      'Failed',
      isOurs
        ? `there is a handler ${name} already, and it runs`
        : `there is a container ${name} already, and it is not one of telepresence`,
      {
        hint: `give the new one another name: ${rename}; or: docker rm -f ${name}`,
      },
    );
  }
}
