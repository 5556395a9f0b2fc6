import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { systemClock, type Clock } from '#base/clock.ts';
import { KubeError } from '#kube/errors.ts';
import { silentLogger } from '#base/log.ts';
import { agentRequestAnnotation } from '#protocol/resources.ts';
import type { PodObject } from '../state/cluster-objects.ts';
import type { InjectionNeed } from '../state/injection-need.ts';
import type { Refusal } from '../state/refusal.ts';
import { pod, viewOf, workload } from '../state/sample-world.ts';
import type { ClusterView, Workload } from '../state/view.ts';
import type { InjectorConfig } from '../webhook/agent-containers.ts';
import { inject } from '../webhook/inject.ts';
import { requestedPod } from '../webhook/pod-shape.ts';
import { fakeApi, forbidden, type ApiCall } from './fake-api.fixture.ts';
import { createInjector } from './injector.ts';

const config: InjectorConfig = {
  image: 'i',
  pullPolicy: undefined,
  resources: { requests: {}, limits: {} },
  initResources: { requests: {}, limits: {} },
  securityContext: {},
  excludedEnvironment: [],
  logLevel: 'info',
  manager: { host: 'm', port: 1 },
  ca: [],
};
const redirect = { take: 'redirect' as const, ports: [] };
const rename = { take: 'rename' as const, ports: ['http'] };
const podSpec = { containers: [{ name: 'app', ports: [{ name: 'http', containerPort: 8080 }] }] };
/** No test waits for real. */
const clock: Clock = { ...systemClock, sleep: async () => {} };

/** The webhook as the API server would ask it. */
function webhook(call: ApiCall): unknown {
  const result = inject(v.parse(requestedPod, call.body), config);
  assert.equal(result.kind, 'injected');
  return named(result.kind === 'injected' ? result.pod : {});
}

function named(body: unknown): unknown {
  return { ...Object(body), metadata: { name: 'dry' } };
}

function takeOf(call: ApiCall): string {
  return /"take\\":\\"(\w+)/.exec(JSON.stringify(call.body))?.[1] ?? '';
}

async function run(
  answer: (call: ApiCall) => unknown,
  options: { readonly need?: Partial<InjectionNeed>; readonly view?: () => ClusterView } = {},
): Promise<{ calls: ApiCall[]; refusal: Refusal | undefined }> {
  const target: Workload = { kind: 'Deployment', object: workload() };
  const api = fakeApi((call) =>
    call.verb === 'get' ? { spec: { template: { spec: podSpec } } } : answer(call),
  );
  const done = Promise.withResolvers<void>();
  const stop = new AbortController();
  const view = options.view ?? ((): ClusterView => viewOf({}));
  const injector = createInjector(
    {
      client: api,
      clock,
      log: silentLogger,
      pods: {
        until: async (look) => {
          const found = look(new Map<string, PodObject>());
          assert.ok(found !== undefined, 'pods would be waited for');
          return found;
        },
      },
      view,
      injector: config,
      configuration: 'webhook-of-tests',
      onChange: () => done.resolve(),
    },
    stop.signal,
  );
  const need = {
    workload: target,
    interceptUids: ['u'],
    requests: [redirect, rename],
    recreateOnly: false,
    ...options.need,
  };
  injector.need(new Map([['w', need]]));
  // The same need again is the same task.
  injector.need(new Map([['w', need]]));
  await done.promise;
  stop.abort();
  return { calls: api.calls, refusal: injector.refusals.get('u') };
}

const writes = (calls: readonly ApiCall[]): string[] =>
  calls
    .filter((call) => call.verb !== 'get')
    .map((call) => `${call.verb} ${call.kind}${call.dryRun ? ' (dry run)' : ''} ${takeOf(call)}`);

test('asks first, then changes one annotation of the template', async () => {
  const { calls, refusal } = await run((call) => (call.verb === 'create' ? webhook(call) : {}));
  assert.equal(refusal, undefined);
  assert.deepEqual(writes(calls), ['create Pod (dry run) redirect', 'patch Deployment redirect']);
  assert.deepEqual(calls.at(-1)?.body, {
    metadata: { uid: 'uid-hello' },
    spec: {
      template: {
        metadata: { annotations: { [agentRequestAnnotation]: JSON.stringify(redirect) } },
      },
    },
  });
});

test('where the kernel’s rules are not allowed, the port’s name moves', async () => {
  const { calls, refusal } = await run((call) => {
    if (takeOf(call) === 'redirect') throw forbidden('violates PodSecurity "baseline:latest"');
    return call.verb === 'create' ? webhook(call) : {};
  });
  assert.equal(refusal, undefined);
  assert.deepEqual(writes(calls), [
    'create Pod (dry run) redirect',
    'create Pod (dry run) rename',
    'patch Deployment rename',
  ]);
});

test('a quota says no before anything is touched, in its own words', async () => {
  const { calls, refusal } = await run(() => {
    throw forbidden('exceeded quota: small');
  });
  assert.equal(refusal?.reason, 'QuotaExceeded');
  assert.match(refusal.message, /would not be let in: exceeded quota: small/);
  assert.ok(calls.every((call) => call.verb !== 'patch'));
});

test('numeric ports without NET_ADMIN are explained without asking', async () => {
  const { calls, refusal } = await run(() => ({}), { need: { requests: [] } });
  assert.match(refusal?.message ?? '', /does not allow the init container with NET_ADMIN/);
  assert.deepEqual(calls, []);
});

test('a webhook that is not reached is found out by the dry run', async () => {
  const failing = (words: string) => async () =>
    await run(() => {
      const message = `Internal error occurred: failed calling webhook "agent-injector-probe-ambassador.telepresence.io": failed to call webhook: Post "https://agent-injector.ambassador.svc:443/traffic-agent?timeout=2s": ${words}`;
      throw new KubeError('Unavailable', message, { status: 500 });
    });
  const distrusted = await failing('tls: failed to verify certificate: x509: unknown authority')();
  assert.equal(distrusted.refusal?.reason, 'WebhookUnreachable');
  assert.match(distrusted.refusal.message, /\(tls: failed to verify certificate: x509: unknown/);
  assert.ok(distrusted.calls.length >= 4, 'it is asked more than once');
  const blocked = await failing('context deadline exceeded')();
  assert.match(blocked.refusal?.message ?? '', /\(context deadline exceeded\), so no pod was/);
  assert.equal(writes(blocked.calls).length, 1, 'another wait would cost the user too much');
  assert.ok(blocked.calls.every((call) => call.verb !== 'patch'));
});

test('a webhook that is not asked is gone, or does not select the namespace', async () => {
  const found = (there: boolean) => async () =>
    await run((call) => {
      if (call.verb !== 'find') return named(call.body);
      return there ? { metadata: { name: call.name } } : undefined;
    });
  const gone = await found(false)();
  assert.equal(gone.refusal?.reason, 'WebhookMissing');
  assert.match(gone.refusal.message, /Configuration webhook-of-tests is gone/);
  const dryRuns = (calls: readonly ApiCall[]): number =>
    calls.filter(({ verb }) => verb === 'create').length;
  assert.equal(dryRuns(gone.calls), 1, 'it is not waited for');
  const there = await found(true)();
  assert.match(there.refusal?.message ?? '', /does not select namespace/);
  assert.ok(dryRuns(there.calls) >= 3, 'the API server may not have learned of it yet');
});

test('pods of a ReplicaSet are evicted one by one', async () => {
  const object = workload();
  const owner = { kind: 'ReplicaSet', object } as const;
  const annotations = { [agentRequestAnnotation]: JSON.stringify(redirect) };
  let pods = [pod({ owner, name: 'a' }), pod({ owner, name: 'b' })];
  const { calls } = await run(
    (call) => {
      if (call.subresource !== 'eviction') return call.verb === 'create' ? webhook(call) : {};
      pods = pods.map((one) =>
        one.metadata.name === call.name
          ? pod({ owner, name: `${call.name}-new`, annotations, agent: {} })
          : one,
      );
      return {};
    },
    {
      need: { workload: owner },
      view: () => viewOf({ workloads: [owner], pods }),
    },
  );
  assert.deepEqual(
    calls.filter((call) => call.subresource === 'eviction').map((call) => call.name),
    ['a', 'b'],
  );
});

test('containers come back without anybody being asked', async () => {
  const { calls, refusal } = await run(
    (call) => {
      assert.equal(call.verb, 'patch', 'a webhook that cannot be reached must not keep them away');
      return {};
    },
    { need: { requests: [], interceptUids: [], restore: { request: redirect } } },
  );
  assert.equal(refusal, undefined);
  assert.deepEqual(writes(calls), ['patch Deployment redirect']);
  const gone = await run(() => ({}), { need: { requests: [], restore: { request: undefined } } });
  assert.partialDeepStrictEqual(gone.calls.at(-1)?.body, {
    spec: { template: { metadata: { annotations: { [agentRequestAnnotation]: null } } } },
  });
});

test('pods of a ReplicaSet in which a container is aside are made again', async () => {
  const object = workload();
  const owner = { kind: 'ReplicaSet', object } as const;
  const text = (request: object): Record<string, string> => ({
    [agentRequestAnnotation]: JSON.stringify(request),
  });
  const aside = text({ ...redirect, replace: ['app'] });
  let pods = [
    pod({ owner, name: 'a', annotations: aside, agent: { replaced: ['app'] } }),
    pod({ owner, name: 'b', annotations: text(redirect), agent: {} }),
  ];
  const { calls } = await run(
    (call) => {
      if (call.subresource !== 'eviction') return {};
      pods = pods.map((one) =>
        one.metadata.name === call.name
          ? pod({ owner, name: 'a-new', annotations: text(redirect), agent: {} })
          : one,
      );
      return {};
    },
    {
      need: { workload: owner, requests: [], restore: { request: redirect } },
      view: () => viewOf({ workloads: [owner], pods }),
    },
  );
  const evicted = calls.filter((call) => call.subresource === 'eviction');
  assert.deepEqual(
    evicted.map((call) => call.name),
    ['a'],
  );
});
