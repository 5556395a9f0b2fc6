import { CliError } from '../errors.ts';
import { portNumber } from './intercept-port.ts';

/** A container's port that goes to another one of the laptop. */
export interface ContainerPortAsked {
  readonly target: number;
  /** Name or number, with `/UDP` or `/TCP` where that was said; empty: the only one. */
  readonly port: string;
}

const portName = /^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/;

/** `--port LAPTOP PORT[:CONTAINER PORT[/UDP]]` of `replace`, as often as it was typed; `all` is what is done without it. */
export function parseContainerPorts(typed: readonly string[]): ContainerPortAsked[] {
  const ports = typed.filter((one) => one !== 'all').map(parseOne);
  const alone = ports.find(({ port }) => port === '');
  if (alone !== undefined && ports.length > 1) {
    throw new CliError(
      'Usage',
      `several "-p, --port" must each say which port of the container is meant: ${String(alone.target)}:CONTAINER PORT`,
    );
  }
  return ports;
}

function parseOne(typed: string): ContainerPortAsked {
  const [laptop = '', port = '', ...more] = typed.split(':');
  const target = portNumber(laptop);
  const [id = '', protocol] = port.split(/\/(?=(?:tcp|udp)$)/i);
  const isPort = portNumber(id) !== undefined || portName.test(id);
  if (target === undefined || more.length > 0 || (typed.includes(':') && !isPort)) {
    throw new CliError(
      'Usage',
      `invalid argument "${typed}" for "-p, --port": it is LAPTOP PORT[:CONTAINER PORT[/UDP]], such as 9000:http or 5300:53/UDP, or all`,
    );
  }
  return { target, port: protocol === undefined ? port : `${id}/${protocol.toUpperCase()}` };
}
