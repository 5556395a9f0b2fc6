import { CliError } from '../errors.ts';
import { portNumber } from './intercept-port.ts';

/** `--to-pod PORT[/UDP]`, read. */
export interface PodPortAsked {
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
}

/** Checks and reads what was typed for `--to-pod`; what is said twice is meant once. */
export function parsePodPorts(typed: readonly string[]): PodPortAsked[] {
  const ports = new Map<string, PodPortAsked>();
  for (const text of typed) {
    const asked = parsePodPort(text);
    ports.set(`${String(asked.port)}/${asked.protocol}`, asked);
  }
  return [...ports.values()];
}

function parsePodPort(typed: string): PodPortAsked {
  const [number = '', named = 'TCP', ...more] = typed.split('/');
  const port = portNumber(number);
  const protocol = (['TCP', 'UDP'] as const).find((each) => each === named.toUpperCase());
  if (port !== undefined && protocol !== undefined && more.length === 0) return { port, protocol };
  throw new CliError(
    'Usage',
    `invalid argument "${typed}" for "--to-pod": it is PORT[/UDP], such as 5432 or 8125/UDP`,
  );
}
