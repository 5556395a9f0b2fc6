import { isIP } from 'node:net';
import { CliError } from '../errors.ts';
import type { ParsedLine } from './flag-spec.ts';

/** The ports of `--expose`, as docker's `-p` takes them; fails where one is none. */
export function readExposedPorts(line: ParsedLine): string[] {
  return line.list('expose').map((typed) => {
    if (isPublishedPort(typed)) return typed;
    throw new CliError(
      'Usage',
      `invalid argument "${typed}" for "--expose": it is a port as docker run -p takes it, such as 8080:80, 127.0.0.1:8080:80 or 53:53/udp`,
    );
  });
}

/** The container's name for itself, of `--hostname`; empty where nothing is said. */
export function readHostname(line: ParsedLine): string {
  const typed = line.text('hostname') ?? '';
  const labels = typed.split('.');
  const isName = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label));
  // Linux keeps 64 bytes of it.
  if (!line.given('hostname') || (isName && typed.length <= 63)) return typed;
  throw new CliError(
    'Usage',
    `invalid argument "${typed}" for "--hostname": it is a host's name, such as my-laptop`,
  );
}

/** `[[IP:][HOST]:]CONTAINER[/PROTOCOL]`, where HOST and CONTAINER are ports, or ranges of one length. */
export function isPublishedPort(text: string): boolean {
  const [ports = '', protocol = 'tcp', ...rest] = text.split('/');
  if (rest.length > 0 || !/^(tcp|udp|sctp)$/.test(protocol)) return false;
  const split = /^(?:(?:(\[[^\]]*\]|[^:[\]]*):)?([^:[\]]*):)?([^:[\]]+)$/.exec(ports);
  if (split === null) return false;
  const [, address, host = '', container = ''] = split;
  if (address !== undefined && !isAddress(address)) return false;
  const inside = rangeLength(container);
  if (inside === undefined) return false;
  if (host === '') return address !== undefined || !ports.includes(':');
  const outside = rangeLength(host);
  // Docker takes the first free one of a range for a single port.
  return outside !== undefined && (outside === inside || inside === 1);
}

function isAddress(text: string): boolean {
  return text.startsWith('[') ? isIP(text.slice(1, -1)) === 6 : isIP(text) === 4;
}

function rangeLength(text: string): number | undefined {
  const [first = '', last = first, ...more] = text.split('-');
  if (more.length > 0 || ![first, last].every(isPort)) return undefined;
  const length = Number(last) - Number(first) + 1;
  return length >= 1 ? length : undefined;
}

const isPort = (text: string): boolean =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
