import type { InterceptMode } from '#protocol/intercept-mode.ts';
import { CliError } from '../errors.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import { parseContainerPorts, type ContainerPortAsked } from '../parse/container-port.ts';
import { parseHandlerPort } from '../parse/handler-port.ts';
import { parseInterceptPort } from '../parse/intercept-port.ts';
import { parseMount, type MountAsked } from '../parse/mount.ts';
import { parsePodPorts, type PodPortAsked } from '../parse/pod-port.ts';
import { handlerFlags } from '../commands/specs/attaching-flags.ts';
import { readNamespace } from '../parse/namespace-name.ts';

/** What a line asks the user daemon to intercept. */
export interface InterceptAsked {
  readonly name: string;
  readonly workload: string;
  readonly service: string;
  readonly address: string;
  readonly port: string;
  readonly mechanism: string;
  readonly namespace: string;
  readonly container: string;
  readonly force: boolean;
  /** Where the container's volumes are to be seen; absent: nowhere. */
  readonly mount?: MountAsked;
  readonly toPod: PodPortAsked[];
  readonly replace: boolean;
  /** The container's own ports instead of a Service's; in here are those that go to another number. */
  readonly containerPorts?: { readonly ports: ContainerPortAsked[] };
  readonly mode: InterceptMode;
}

/** The flags of `telepresence intercept`, or of a command that wants less than it, checked. */
export function readInterceptRequest(
  line: ParsedLine,
  options: { readonly defaultPort: number; readonly cwd: string; readonly mode: InterceptMode },
): InterceptAsked {
  const { cwd, mode } = options;
  if (line.on('preview-url')) {
    throw new CliError('Usage', '--preview-url: there are no preview links', {
      hint: 'intercept without it: all TCP connections of the port go to this machine',
    });
  }
  return {
    ...readCommon(line, cwd, mode),
    service: line.text('service') ?? '',
    port: mode === 'ingest' ? '' : portAsked(line, options.defaultPort),
    mechanism: mode === 'ingest' ? '' : mechanismAsked(line),
    replace: line.on('replace'),
  };
}

/** The flags of `telepresence replace`, checked. */
export function readReplaceRequest(line: ParsedLine, cwd: string): InterceptAsked {
  return {
    ...readCommon(line, cwd, 'intercept'),
    service: '',
    port: '',
    mechanism: 'tcp',
    replace: true,
    containerPorts: { ports: parseContainerPorts(line.list('port')) },
  };
}

/** What all know. */
function readCommon(
  line: ParsedLine,
  cwd: string,
  mode: InterceptMode,
): Omit<InterceptAsked, 'service' | 'port' | 'mechanism' | 'replace' | 'containerPorts'> {
  const typed = line.words[0] ?? '';
  const mount = parseMount(line.text('mount') ?? 'true', cwd);
  const namespace = readNamespace(line, 'namespace') ?? '';
  const workload = line.text('workload') ?? '';
  const container = line.text('container') ?? '';
  // Where only a namespace is named, the intercept's name says it, as it always did.
  const name = namespace !== '' && workload === '' ? `${typed}-${namespace}` : typed;
  return {
    // Of one workload several containers may be ingested.
    name: mode === 'ingest' && container !== '' ? `${name}/${container}` : name,
    workload: workload === '' ? typed : workload,
    address: line.text('address') ?? '',
    namespace,
    container,
    force: line.on('force'),
    // Who only looks writes nothing.
    ...(mount && { mount: { ...mount, readOnly: mount.readOnly || mode !== 'intercept' } }),
    toPod: parsePodPorts(line.list('to-pod')),
    mode,
  };
}

function portAsked(line: ParsedLine, defaultPort: number): string {
  const port = line.text('port') ?? String(defaultPort);
  // Only with a container is there one in between; whether it may be said depends on the daemon's place.
  const hasHandler = handlerFlags.some((flag) => line.given(flag));
  if (hasHandler && port.split(':').length > 2) parseHandlerPort(port);
  else parseInterceptPort(port);
  return port;
}

function mechanismAsked(line: ParsedLine): string {
  const mechanism = line.text('mechanism') ?? '';
  if (mechanism === 'tcp') return mechanism;
  throw new CliError(
    'Usage',
    `invalid argument "${mechanism}" for "--mechanism": there is only tcp`,
  );
}
