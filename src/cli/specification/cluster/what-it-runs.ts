import { visible } from '#base/visible.ts';
import type { HandlerSpec } from '#spec/handler-spec.ts';
import type { Specification } from '#spec/specification.ts';

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
  const lines = connections.flatMap(({ context, namespace, as }) => {
    const parts = [
      context === undefined ? '' : `to the context ${context}`,
      namespace === undefined ? '' : `in the namespace ${namespace}`,
      as === undefined ? '' : `as ${as}`,
    ].filter((part) => part !== '');
    return parts.length === 0 ? [] : [visible(`connects ${parts.join(' ')}`)];
  });
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
      return `nothing is run; what is needed is written to ${handler.outputPath}`;
    case 'none':
      break;
  }
  return 'nothing is run';
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
  const { compose, options, args } = handler;
  return [
    JSON.stringify(compose, undefined, 2),
    ...(options.length === 0 ? [] : [`docker compose: ${options.join(' ')}`]),
    ...(args.length === 0 ? [] : [`docker compose up: ${args.join(' ')}`]),
  ];
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `    ${visible(line)}`);
}
