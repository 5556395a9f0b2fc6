import { CliError } from '../errors.ts';
import type { VolumePlan } from '../handler/volumes/plan-volumes.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import type { InterceptAsked } from './intercept-request.ts';

/** With the daemon in a container, traffic and files are in its network and nowhere on this machine. */
export function refuseWhatIsNotInDocker(
  line: ParsedLine,
  { mode, mount }: InterceptAsked,
  { hasHandler }: { readonly hasHandler: boolean },
): void {
  if (line.command !== undefined && mode !== 'ingest' && !hasHandler) {
    throw new CliError(
      'Usage',
      'a command after -- runs on this machine, and the traffic goes to the daemon’s container',
      {
        hint: 'run it in a container: --docker-run -- IMAGE; or connect without --docker',
      },
    );
  }
  if (line.given('mount') && mount !== undefined && !hasHandler) {
    throw new CliError('Usage', '--mount: a daemon in a container does not show volumes', {
      hint: 'leave --mount out, or connect without --docker',
    });
  }
}

/** What is mounted in the daemon's container is seen by nobody else: its files are served to volumes. */
export function withMountOf(
  request: InterceptAsked,
  inDocker: boolean,
  plan: VolumePlan | undefined,
): InterceptAsked {
  if (!inDocker) return request;
  const { mount: _nowhere, ...rest } = request;
  if (plan === undefined) return rest;
  return { ...rest, mount: { path: '', readOnly: plan.readOnly, serveOn: plan.serveOn } };
}
