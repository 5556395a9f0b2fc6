import { dockerMountRoot } from '../handler/volumes/plan-volumes.ts';
import type { WantedHandler } from '../handler/handler.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import {
  parseHandlerPort,
  refuseContainerPort,
  withoutContainerPort,
} from '../parse/handler-port.ts';
import { parseInterceptPort } from '../parse/intercept-port.ts';
import type { Engagement } from './engagement.ts';
import type { InterceptAsked } from './intercept-request.ts';

/** What is asked of the daemon, and what of `--port` is the container's alone. */
interface PlacedPort {
  readonly request: InterceptAsked;
  readonly containerPort: number | undefined;
}

/** `--port` has another meaning where a container answers beside a daemon of this machine. */
export function placePort(
  request: InterceptAsked,
  { isBesideHost }: { readonly isBesideHost: boolean },
): PlacedPort {
  const { port: typed } = request;
  if (typed === '') return { request, containerPort: undefined };
  if (!isBesideHost) {
    refuseContainerPort(typed);
    return { request, containerPort: undefined };
  }
  const port = parseHandlerPort(typed);
  const asked = { ...request, port: withoutContainerPort(port) };
  return { request: asked, containerPort: port.container };
}

/** What a container is to answer for, whatever daemon it has. */
export function handlerPlace(
  line: ParsedLine,
  command: Engagement['command'],
  { request, containerPort }: PlacedPort,
): Omit<WantedHandler, 'daemon' | 'inDocker'> {
  const { name, port, address, mount } = request;
  const root = dockerMountRoot(line, mount);
  const typedRoot = line.text('docker-mount') || undefined;
  return {
    command,
    name,
    port: port === '' ? undefined : parseInterceptPort(port).laptop,
    address,
    containerPort,
    volumes: mount && { readOnly: mount.readOnly, root, typedRoot },
  };
}
