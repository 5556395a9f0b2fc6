import type { ComposeSpec, ServiceBehavior } from '../compose-spec.ts';
import type { HandlerSpec, ImageSource } from '../handler-spec.ts';
import type { serviceBehaviorSchema } from '../schema/compose.ts';
import type { Typed } from '../schema/shape.ts';
import type { Document } from '../schema/specification.ts';

type Written = Document['handlers'][number];
type WrittenDocker = NonNullable<Written['docker']>;

/** A handler as it is meant: which kind it is, and what concerns that kind. */
export function resolveHandler(written: Written): HandlerSpec {
  const { name, environment = [], stopGracePeriod: stopGraceSeconds } = written;
  const any = { name, environment, stopGraceSeconds };
  if (written.script !== undefined) return { ...any, kind: 'script', ...written.script };
  if (written.external !== undefined) {
    const { isDocker = false, outputFormat = 'json', outputPath = 'stdout' } = written.external;
    return { ...any, kind: 'external', isDocker, outputFormat, outputPath };
  }
  if (written.docker === undefined) return { ...any, kind: 'none' };
  const { compose, command, ports = [], options = [], args = [] } = written.docker;
  if (compose !== undefined) {
    return { ...any, kind: 'compose', compose: composeOf(compose), ports, options, args };
  }
  const source = sourceOf(written.docker);
  return { ...any, kind: 'container', source, ports, options, command, args };
}

function sourceOf({ image = '', build }: WrittenDocker): ImageSource {
  if (build === undefined) return { kind: 'image', image };
  return { kind: 'build', context: build.context, args: build.args ?? [] };
}

function composeOf({
  context,
  spec,
  services = [],
}: NonNullable<WrittenDocker['compose']>): ComposeSpec {
  return {
    context,
    spec,
    services: services.map(({ name, ...behavior }) => ({ name, ...resolveBehavior(behavior) })),
  };
}

/** What a service's `x-telepresence` means. */
export function resolveBehavior(written: Typed<typeof serviceBehaviorSchema>): ServiceBehavior {
  return { ...written, behavior: written.behavior ?? 'local' };
}
