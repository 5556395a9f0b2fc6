import { visible } from '#base/visible.ts';
import type { ConnectionSpec } from '#spec/connection-spec.ts';
import type { HandlerSpec } from '#spec/handler-spec.ts';
import type { Specification, WorkloadSpec } from '#spec/specification.ts';

/** What a specification does on this machine, for the person whose machine it is. */
export function whatItRuns(specification: Specification): readonly string[] {
  const { prerequisites, workloads, connections } = specification;
  const serving = new Set(
    workloads.flatMap(({ intercepts }) =>
      intercepts.filter(({ enabled }) => enabled).map(({ handler }) => handler),
    ),
  );
  const before = new Set(prerequisites.map((one) => one.create));
  const after = new Set(prerequisites.map((one) => one.delete));
  const lines = [...connections.flatMap(connectionLines), ...workloads.flatMap(interceptLines)];
  for (const handler of specification.handlers) {
    const when = [
      ...(before.has(handler.name) ? ['before all else'] : []),
      ...(serving.has(handler.name) ? ['while it lasts'] : []),
      ...(after.has(handler.name) ? ['after all else'] : []),
    ];
    if (when.length > 0) lines.push(...handlerLines(handler, when.join(', ')));
  }
  return lines;
}

/** All that it says: a field that nobody thought of here is shown by its name. */
function connectionLines(connection: ConnectionSpec): string[] {
  const { name, context, namespace, as, ...others } = connection;
  const parts = [
    name === undefined ? '' : `by the name ${name}`,
    context === undefined ? '' : `to the context ${context}`,
    namespace === undefined ? '' : `in the namespace ${namespace}`,
    as === undefined ? '' : `as ${as}`,
  ].filter((part) => part !== '');
  const more = Object.entries<string | readonly string[] | undefined>(others).flatMap(
    ([field, value = []]) => {
      const values = typeof value === 'string' ? [value] : value;
      return values.length === 0 ? [] : indented(`${field}: ${values.join(', ')}`);
    },
  );
  if (parts.length === 0 && more.length === 0) return [];
  return [visible(['connects', ...parts].join(' ')), ...more];
}

/** Where traffic of the cluster is led: any address that this machine reaches. */
function interceptLines({ name, namespace, connection, intercepts }: WorkloadSpec): string[] {
  return intercepts
    .filter(({ enabled }) => enabled)
    .map((intercept) => {
      const { handler, port, service, localAddress, localPort, replace, mountPoint } = intercept;
      const of = [
        `intercepts ${name}${port === undefined ? '' : `:${String(port)}`}`,
        service === undefined ? '' : `of the Service ${service}`,
        namespace === undefined ? '' : `in the namespace ${namespace}`,
        connection === undefined ? '' : `over the connection ${connection}`,
        `for ${handler}`,
      ].filter((part) => part !== '');
      const to = [
        `${localAddress}${localPort === undefined ? ', at the usual port' : `:${String(localPort)}`}`,
        ...(replace ? ['its container does not run meanwhile'] : []),
        ...(mountPoint === undefined ? [] : [`files ${filesAt(mountPoint)}`]),
      ];
      return visible(`${of.join(' ')} -> ${to.join(', ')}`);
    });
}

function filesAt(mountPoint: boolean | string): string {
  if (typeof mountPoint === 'string') return `at ${mountPoint}`;
  return mountPoint ? 'in a new directory' : 'nowhere';
}

function handlerLines(handler: HandlerSpec, when: string): string[] {
  const { name, environment } = handler;
  const variables = environment.flatMap((one) => indented(`${one.name}=${one.value}`));
  return [
    visible(`${name} (${when}): ${summary(handler)}`),
    ...details(handler).flatMap(indented),
    ...(variables.length === 0
      ? []
      : ['    with the environment', ...variables.map((line) => `  ${line}`)]),
  ];
}

function summary(handler: HandlerSpec): string {
  switch (handler.kind) {
    case 'script':
      return `a script${handler.shell === undefined ? '' : ` for ${handler.shell}`}`;
    case 'container': {
      const { source } = handler;
      return source.kind === 'image'
        ? `a container of the image ${source.image}`
        : `a container of an image that is built from ${source.context}`;
    }
    case 'compose':
      return 'services of Docker Compose';
    case 'external':
      return `nothing is run; what is needed is written to ${outputOf(handler.outputPath)}`;
    case 'none':
      break;
  }
  return 'nothing is run';
}

function outputOf(path: string): string {
  return path === 'stdout' || path === 'stderr' ? path : `the file ${path}, which goes at the end`;
}

/** What can do harm is shown word for word. */
function details(handler: HandlerSpec): string[] {
  if (handler.kind === 'script') return [handler.run];
  if (handler.kind === 'container') {
    const { source, options, command, args, ports } = handler;
    const words = [
      ['docker build', source.kind === 'build' ? source.args : []],
      ['docker run', options],
      ['its command', [...(command === undefined ? [] : [command]), ...args]],
      ['published ports', ports.map(String)],
    ] as const;
    return words
      .filter(([, list]) => list.length > 0)
      .map(([what, list]) => `${what}: ${list.join(' ')}`);
  }
  if (handler.kind !== 'compose') return [];
  const { compose, options, args, ports } = handler;
  return [
    JSON.stringify(compose, undefined, 2),
    ...(options.length === 0 ? [] : [`docker compose: ${options.join(' ')}`]),
    ...(args.length === 0 ? [] : [`docker compose up: ${args.join(' ')}`]),
    ...(ports.length === 0 ? [] : [`published ports: ${ports.join(' ')}`]),
  ];
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `    ${visible(line)}`);
}
