import { CliError } from '../errors.ts';
import { parseInterceptPort, portNumber, type InterceptPort } from './intercept-port.ts';

/** `--port` of a handler's container, whose daemon runs on this machine. */
export interface HandlerPort extends InterceptPort {
  /** The port in the container, which `laptop` is published for. */
  readonly container: number;
}

/** `LOCAL[:CONTAINER[:SERVICE PORT]]`: the container's is the local one unless it is said. */
export function parseHandlerPort(typed: string): HandlerPort {
  const [local = '', inContainer, ...rest] = typed.split(':');
  const container = inContainer === undefined ? undefined : portNumber(inContainer);
  if (inContainer !== undefined && container === undefined) {
    throw bad(typed, `${inContainer === '' ? 'nothing' : inContainer} is no port of a container`);
  }
  const service = rest.length === 0 ? '' : `:${rest.join(':')}`;
  const { laptop, service: identifier } = parseInterceptPort(`${local}${service}`);
  return { laptop, service: identifier, container: container ?? laptop };
}

/** What is asked for, as the user daemon knows it: the container's port is nobody's business there. */
export function withoutContainerPort({ laptop, service }: InterceptPort): string {
  return service === undefined ? String(laptop) : `${String(laptop)}:${service}`;
}

/** With the daemon in a container there is no port between that one and the handler's. */
export function refuseContainerPort(typed: string): void {
  if (typed.split(':').length <= 2) return;
  throw bad(typed, 'a port of the container is said where the daemon runs on this machine only', {
    hint: 'with the daemon in a container it is LOCAL[:SERVICE PORT]',
  });
}

function bad(typed: string, why: string, options: { readonly hint?: string } = {}): CliError {
  const hint = 'it is LOCAL[:CONTAINER PORT[:SERVICE PORT]], such as 8080, 8080:80 or 8080:80:http';
  return new CliError('Usage', `invalid argument "${typed}" for "-p, --port": ${why}`, {
    hint,
    ...options,
  });
}
