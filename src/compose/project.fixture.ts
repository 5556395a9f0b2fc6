import fc from 'fast-check';
import type { Behaviors } from './behaviors.ts';
import type { ComposeDocument, Service } from './document.ts';
import type { HandlerPlace, RewriteFacts } from './rewrite.ts';

const conditions = [
  'service_started',
  'service_healthy',
  'service_completed_successfully',
] as const;
const paths = ['/data', '/data/cache', '/etc/settings', '/etc/settings/a.conf', '/app', '/'];
const texts = fc.string({ maxLength: 12, unit: 'grapheme-ascii' });
const networks = ['default', 'green', 'blue'];

/** For tests: a project of which `config` may have printed any part, and what is meant of its services. */
export interface AnyProject {
  readonly document: ComposeDocument;
  readonly facts: RewriteFacts;
}

const name = (at: number): string => `s${String(at)}`;

const service = (at: number): fc.Arbitrary<Service> => {
  const earlier = Array.from({ length: at }, (_, one) => name(one));
  const dependency = fc.record(
    { condition: fc.constantFrom(...conditions), required: fc.boolean(), restart: fc.boolean() },
    { requiredKeys: ['condition'] },
  );
  const mount = fc.record({
    type: fc.constantFrom('bind', 'volume'),
    source: fc.constantFrom('/home/a', 'data', 'app-0'),
    target: fc.constantFrom(...paths),
  });
  return fc.record(
    {
      image: texts,
      environment: fc.dictionary(fc.constantFrom('A', 'B', 'C', 'D'), fc.option(texts)),
      depends_on: fc
        .dictionary(fc.constantFrom(...earlier, name(at)), dependency)
        .map((all) => Object.fromEntries(Object.entries(all).filter(([key]) => key !== name(at)))),
      networks: fc.dictionary(
        fc.constantFrom(...networks),
        fc.option(fc.record({ aliases: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }) })),
        { minKeys: 1 },
      ),
      volumes: fc.uniqueArray(mount, { selector: ({ target }) => target, maxLength: 3 }),
      tmpfs: fc.constantFrom(['/run'], ['/data/cache:size=1m']),
      ports: fc.constant([
        { mode: 'ingress', target: 8000 + at, published: String(9000 + at), protocol: 'tcp' },
      ]),
      labels: fc.dictionary(fc.constantFrom('l', 'm'), texts),
      hostname: fc.constantFrom('host-a', 'host-b'),
      dns: fc.constant(['1.1.1.1']),
      extra_hosts: fc.constant(['one=1.2.3.4', 'six=::1']),
      healthcheck: fc.constant({ test: ['CMD', 'true'], interval: '5s' }),
      'x-anything': fc.jsonValue(),
    },
    { requiredKeys: ['image'] },
  );
};

/** Any project of up to seven services. */
export const anyProject: fc.Arbitrary<AnyProject> = fc.integer({ min: 1, max: 7 }).chain((count) =>
  fc
    .record({
      services: fc.tuple(...Array.from({ length: count }, (_, at) => service(at))),
      behaviors: fc.array(fc.constantFrom('interceptHandler', 'remote', 'local', undefined), {
        minLength: count,
        maxLength: count,
      }),
      environment: fc.dictionary(fc.constantFrom('A', 'B', 'P'), texts),
      pod: fc.dictionary(fc.constantFrom('A', 'C', 'P', 'Q'), texts),
      mounts: fc.uniqueArray(fc.constantFrom('/data', '/etc/settings', '/secret'), {
        maxLength: 3,
      }),
      readOnly: fc.boolean(),
    })
    .map(({ services, behaviors, environment, pod, mounts, readOnly }) => {
      const meant: Behaviors = new Map(
        behaviors.flatMap((behavior, at) =>
          behavior === undefined ? [] : [[name(at), { behavior }] as const],
        ),
      );
      const place: HandlerPlace = {
        sandbox: 'tp-a',
        environment: { ...pod },
        volumes: mounts.map((target, at) => ({ volume: `app-${String(at)}`, target, readOnly })),
      };
      return {
        document: {
          name: 'shop',
          services: structuredClone(Object.fromEntries(services.map((one, at) => [name(at), one]))),
          networks: {
            default: { name: 'shop_default' },
            green: { name: 'shop_green' },
            blue: { name: 'b', external: true },
          },
          volumes: { data: { name: 'shop_data' }, 'app-0': { name: 'shop_app-0' } },
        },
        facts: {
          behaviors: meant,
          places: new Map(services.map((_, at) => [name(at), place])),
          environment: { ...environment },
          network: 'telepresence',
          ordersNetworks: false,
          labels: { 'telepresence.handler': 'id' },
        },
      };
    }),
);
