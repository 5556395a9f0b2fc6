import { CliError } from '../errors.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';

/** What each system is called by the people who use it. */
const systems: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: 'macOS',
  win32: 'Windows',
  freebsd: 'FreeBSD',
};

/** The system's name where daemons cannot run on the machine itself; undefined where they can. */
export function withoutHostMode(platform: NodeJS.Platform): string | undefined {
  return platform === 'linux' ? undefined : (systems[platform] ?? platform);
}

/** What is said once, to whoever has not asked for a container and is given one. */
export function containerNotice(
  platform: NodeJS.Platform,
  line: Pick<ParsedLine, 'given'>,
): string | undefined {
  const system = withoutHostMode(platform);
  if (system === undefined || line.given('docker')) return undefined;
  return `On ${system} the daemon runs in a container, as with --docker: there is no other way yet.`;
}

/** The line as it is meant on this platform: where there is no other way, `--docker` is always on. */
export function onPlatform(line: ParsedLine, platform: NodeJS.Platform): ParsedLine {
  const system = withoutHostMode(platform);
  if (system === undefined) return line;
  if (line.given('docker') && !line.on('docker')) {
    throw new CliError('Usage', `on ${system} the daemon runs in a container only`, {
      hint: 'leave --docker=false out',
    });
  }
  return { ...line, on: (name) => name === 'docker' || line.on(name) };
}
