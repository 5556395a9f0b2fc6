import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HandlerSpec } from '#spec/handler-spec.ts';
import { planRun } from './plan.ts';
import {
  connectionSpec,
  containerHandler,
  interceptSpec,
  scriptHandler,
  specificationOf,
  workloadSpec,
} from './specification.fixture.ts';

test('what is disabled is left out, and so is a handler that serves nothing', () => {
  const plan = planRun(
    specificationOf({
      workloads: [
        workloadSpec('quote', [
          interceptSpec({ handler: 'a', name: 'quote' }),
          interceptSpec({ handler: 'b', name: 'off', enabled: false }),
        ]),
        workloadSpec('hello', [interceptSpec({ handler: 'a', name: 'hello' })]),
      ],
      handlers: ['a', 'b', 'made', 'unmade'].map(containerHandler),
      prerequisites: [{ create: 'made', delete: 'unmade' }, { create: 'made' }],
    }),
  );
  assert.deepEqual(
    plan.intercepts.map(({ spec, workload }) => [spec.name, workload]),
    [
      ['quote', 'quote'],
      ['hello', 'hello'],
    ],
  );
  assert.equal(plan.handlers.length, 1, 'b serves nothing, and the others are no handlers of it');
  assert.equal(plan.handlers[0]?.intercepts.length, 2);
  assert.equal(plan.place, 'container');
  const names = plan.prerequisites.map((one) => [one.create.name, one.delete?.name]);
  assert.deepEqual(names, [
    ['made', 'unmade'],
    ['made', undefined],
  ]);
});

test('nothing to run', () => {
  const intercept = interceptSpec({ handler: 'a', enabled: false });
  const specification = specificationOf({
    workloads: [workloadSpec('quote', [intercept])],
    handlers: [containerHandler('a')],
  });
  assert.throws(() => planRun(specification), {
    message: 'sample: every intercept is disabled, so there is nothing to run',
  });
});

test('where the daemon runs is the serving handlers’ to say; a prerequisite may be anything', () => {
  const run = (kinds: ('script' | 'container' | 'none')[], connections = [connectionSpec()]) => {
    const handlers = kinds.map((kind, at) => {
      const name = `h${String(at)}`;
      if (kind === 'none') return { kind, name, environment: [] } as const;
      return kind === 'script' ? scriptHandler(name) : containerHandler(name);
    });
    const intercepts = handlers.map(({ name }) => interceptSpec({ handler: name }));
    return planRun(
      specificationOf({
        connections,
        workloads: [workloadSpec('w', intercepts, connections[0]?.name)],
        handlers: [...handlers, scriptHandler('before'), containerHandler('after')],
        prerequisites: [{ create: 'before', delete: 'after' }],
      }),
    ).place;
  };
  assert.equal(run(['script']), 'laptop');
  assert.equal(run(['container', 'none']), 'container');
  assert.equal(run(['none']), 'either');
  assert.throws(() => run(['script', 'container']), {
    message:
      'handler h1 runs in a container, and h0 on this machine itself: one connection serves one of the two',
  });
  const two = [connectionSpec('a'), connectionSpec('b')];
  assert.equal(run(['none'], two), 'container');
  assert.throws(() => run(['script'], two), {
    message:
      'handler h0 runs on this machine itself, which can have one connection only, and there are 2',
  });
});

test('a prerequisite of Compose needs a daemon in a container, as a handler would', () => {
  const compose = {
    kind: 'compose',
    name: 'database',
    environment: [],
    compose: { services: [] },
    ports: [],
    options: [],
    args: [],
  } as const;
  const place = (handler: ReturnType<typeof scriptHandler>, changes: object) =>
    planRun(
      specificationOf({
        workloads: [workloadSpec('w', [interceptSpec({ handler: 'h' })])],
        handlers: [handler, compose, scriptHandler('s')],
        ...changes,
      }),
    ).place;
  const nobody = { kind: 'none', name: 'h', environment: [] } as const;
  assert.equal(place(nobody, {}), 'either');
  assert.equal(place(nobody, { prerequisites: [{ create: 'database' }] }), 'container');
  const later = { prerequisites: [{ create: 's', delete: 'database' }] };
  assert.equal(place(nobody, later), 'container');
  assert.throws(() => place(scriptHandler('h'), later), {
    message:
      'handler database runs in a container, and h on this machine itself: one connection serves one of the two',
  });
});

test('one container has the files of all its intercepts below one directory', () => {
  const plan = (first: boolean | string | undefined, second: boolean | string | undefined) =>
    planRun(
      specificationOf({
        workloads: [
          workloadSpec('a', [interceptSpec({ handler: 'h', name: 'a', mountPoint: first })]),
          workloadSpec('b', [interceptSpec({ handler: 'h', name: 'b', mountPoint: second })]),
        ],
        handlers: [containerHandler('h')],
      }),
    );
  assert.throws(() => plan('/a', '/b:ro'), {
    message:
      'handler h has its files of the intercept a below /a, and of b below /b: in one container they are below one directory',
  });
  assert.throws(() => plan('/a', undefined), /of b below \//);
  plan('/a', '/a:ro');
  plan('/a', false);
  plan(undefined, '/');
});

test('a container is in the network of one connection', () => {
  const specification = specificationOf({
    connections: [connectionSpec('a'), connectionSpec('b')],
    workloads: [
      workloadSpec('w', [interceptSpec({ handler: 'h' })], 'a'),
      workloadSpec('w', [interceptSpec({ handler: 'h' })], 'b'),
    ],
    handlers: [containerHandler('h')],
  });
  assert.throws(() => planRun(specification), {
    message:
      'handler h serves intercepts of the connections a and b, and it can be in the network of one only',
  });
});

test('one port has one handler in a connection', () => {
  const nobody = { kind: 'none', name: 'nobody', environment: [] } as const;
  const run = (
    connections: readonly [string, string],
    handlers: readonly [string, string],
    port: 80 | 'usual' = 80,
  ) => {
    return planRun(
      specificationOf({
        connections: [connectionSpec('a'), connectionSpec('b')],
        workloads: connections.map((connection, at) => {
          const handler = handlers[at] ?? '';
          const name = `i${String(at)}`;
          const localPort = port === 'usual' ? undefined : port;
          return workloadSpec('w', [interceptSpec({ handler, name, localPort })], connection);
        }),
        handlers: [containerHandler('h'), containerHandler('k'), nobody],
      }),
    );
  };
  assert.throws(() => run(['a', 'a'], ['h', 'k']), {
    message: 'intercepts i0 and i1 go to one port, 127.0.0.1:80, and have two handlers, h and k',
  });
  assert.throws(() => run(['a', 'a'], ['h', 'k'], 'usual'), {
    message: 'intercepts i0 and i1 go to one port, the usual one, and have two handlers, h and k',
  });
  assert.equal(run(['a', 'a'], ['h', 'nobody'], 'usual').handlers.length, 2);
  assert.equal(run(['a', 'a'], ['h', 'h']).handlers.length, 1);
  assert.equal(run(['a', 'b'], ['h', 'k']).handlers.length, 2);
});

test('what no run could do is said before anything is done', () => {
  const plan = (
    handler: HandlerSpec,
    { mountPoint, hostname }: { readonly mountPoint?: string; readonly hostname?: string } = {},
  ) =>
    planRun(
      specificationOf({
        connections: [{ ...connectionSpec(), hostname }],
        workloads: [workloadSpec('w', [interceptSpec({ handler: 'h', mountPoint })])],
        handlers: [handler],
      }),
    );
  const withOptions = (...options: readonly string[]): HandlerSpec => ({
    ...containerHandler('h'),
    options,
  });
  assert.throws(() => plan(withOptions('-d')), { message: /^handler h: -d is not possible: / });
  assert.throws(() => plan(withOptions('--restart=always')), { message: /^handler h: --restart/ });
  assert.throws(() => plan(withOptions('-it')), { message: /^handler h: --tty is not possible/ });
  plan(withOptions('--of-a-later-version=x', '-d=false'));
  for (const mountPoint of ['', ':ro', 'false:ro']) {
    assert.throws(() => plan(scriptHandler('h'), { mountPoint }), {
      message: `intercept h: its mountPoint "${mountPoint}" is no directory`,
    });
  }
  assert.throws(() => plan(scriptHandler('h'), { hostname: 'laptop' }), {
    message: 'connection.hostname is of a daemon in a container',
    hint: 'leave it out, or make the handlers docker handlers',
  });
  plan(containerHandler('h'), { hostname: 'laptop' });
});

test('each intercept in use is planned once, with the handler that serves it', () => {
  const intercepts = fc.array(
    fc.record({ handler: fc.constantFrom('a', 'b', 'c'), enabled: fc.boolean() }),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(fc.array(intercepts, { minLength: 1, maxLength: 5 }), (workloads) => {
      const specification = specificationOf({
        workloads: workloads.map((each, at) =>
          workloadSpec(
            `w${String(at)}`,
            each.map((one, index) => {
              const localPort = 80 + 'abc'.indexOf(one.handler);
              return interceptSpec({ ...one, localPort, name: `${String(at)}-${String(index)}` });
            }),
          ),
        ),
        handlers: ['a', 'b', 'c', 'd'].map(containerHandler),
      });
      const wanted = specification.workloads
        .flatMap((workload) => workload.intercepts)
        .filter(({ enabled }) => enabled);
      fc.pre(wanted.length > 0);
      const plan = planRun(specification);
      const names = (some: readonly { readonly spec: { readonly name: string } }[]) =>
        some.map(({ spec }) => spec.name);
      assert.deepEqual(
        names(plan.intercepts),
        wanted.map(({ name }) => name),
      );
      const served = plan.handlers.flatMap((one) => names(one.intercepts));
      assert.deepEqual(served.toSorted(), names(plan.intercepts).toSorted());
      for (const { handler, intercepts: its } of plan.handlers) {
        assert.ok(its.length > 0);
        assert.ok(its.every(({ spec }) => spec.handler === handler.name));
      }
    }),
  );
});
