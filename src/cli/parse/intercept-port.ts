import { CliError } from '../errors.ts';

/** `--port LOCAL[:SERVICE PORT]`, read. */
export interface InterceptPort {
  readonly laptop: number;
  /** Name or number of the service's port, and the protocol where that is said, as typed. */
  readonly service: string | undefined;
}

// RFC 6335 allows 15 characters for a container's port name; a Service's may have 63.
const portName = /^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Checks and splits what was typed for `--port`. */
export function parseInterceptPort(typed: string): InterceptPort {
  const parts = typed.split(':');
  const laptop = portNumber(parts[0] ?? '');
  if (laptop === undefined || parts.length > 2) throw bad(typed);
  const service = parts[1];
  if (service !== undefined && !isPortIdentifier(service)) throw bad(typed);
  return { laptop, service };
}

/** `http`, `80`, `53/UDP` */
function isPortIdentifier(text: string): boolean {
  const port = text.replace(/\/(?:tcp|udp)$/i, '');
  return portNumber(port) !== undefined || portName.test(port);
}

/** A port from 1 to 65535, written as digits. */
export function portNumber(text: string): number | undefined {
  if (!/^[0-9]{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function bad(typed: string): CliError {
  return new CliError(
    'Usage',
    `invalid argument "${typed}" for "-p, --port": it is LAPTOP PORT[:SERVICE PORT[/UDP]], such as 8080, 8080:http or 5300:53/UDP`,
  );
}
