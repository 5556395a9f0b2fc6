import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  InterceptInfoSchema,
  ListedWorkloadSchema,
  StatusResponseSchema,
} from '#protocol/gen/telepresence_pb.ts';
import { interceptedLines } from './intercept-block.ts';
import { listLines } from './list-lines.ts';
import { statusLines, stoppedStatusLines } from './status-block.ts';
import { versionLines } from './version-lines.ts';

/** What the documentation shows; it is a contract, blanks and all. */
const seeds = {
  manyPorts: `Using Deployment multi-echo
intercepted
    Intercept name         : multi-echo-http
    State                  : ACTIVE
    Workload kind          : Deployment
    Destination            : 127.0.0.1:8080
    Service Port Identifier: http
    Volume Mount Point     : /tmp/telfs-893700837
    Intercepting           : all TCP connections`,
  headless: `Using StatefulSet my-headless
intercepted
    Intercept name    : my-headless
    State             : ACTIVE
    Workload kind     : StatefulSet
    Destination       : 127.0.0.1:8080
    Volume Mount Point: /var/folders/j8/T/telfs-524189712
    Intercepting      : all TCP connections`,
  noService: `Using Deployment echo-no-svc
intercepted
    Intercept name: echo-no-svc
    State         : ACTIVE
    Workload kind : Deployment
    Destination   : 127.0.0.1:8080
    Intercepting  : all TCP connections
    Address       : 10.244.0.13:8080`,
  status: `OSS User Daemon: Running
  Version           : v2.18.0
  Executable        : /usr/local/bin/telepresence
  Install ID        : 4b1658f3-7ff8-4af3-66693-f521bc1da32f
  Status            : Connected
  Kubernetes server : https://203.0.113.7
  Kubernetes context: default
  Namespace         : default
  Manager namespace : ambassador
  Intercepts        : 1 total
    dataprocessingnodeservice: ann@laptop
OSS Root Daemon: Running
  Version: v2.18.0
  DNS    : 
    Remote IP       : 127.0.0.1
    Exclude suffixes: [.com .io .net .org .ru]
    Include suffixes: []
    Timeout         : 8s
  Subnets: (2 subnets)
    - 10.96.0.0/16
    - 10.244.0.0/24
OSS Traffic Manager: Connected
  Version      : v2.19.0
  Traffic Agent: docker.io/datawire/tel2:2.18.0`,
} as const;

const active = {
  state: 'ACTIVE',
  workloadKind: 'Deployment',
  targetHost: '127.0.0.1',
  targetPort: 8080,
  containerPort: 8080,
  podIp: '10.244.0.13',
  client: 'ann@laptop',
};

test('intercept: a service with several ports', () => {
  const info = create(InterceptInfoSchema, {
    ...active,
    name: 'multi-echo-http',
    workload: 'multi-echo',
    service: 'multi-echo',
    servicePort: 'http',
    mountPoint: '/tmp/telfs-893700837',
  });
  assert.equal(interceptedLines(info).join('\n'), seeds.manyPorts);
});

test('intercept: a headless service', () => {
  const info = create(InterceptInfoSchema, {
    ...active,
    workloadKind: 'StatefulSet',
    name: 'my-headless',
    workload: 'my-headless',
    service: 'my-headless',
    mountPoint: '/var/folders/j8/T/telfs-524189712',
  });
  assert.equal(interceptedLines(info).join('\n'), seeds.headless);
});

test('intercept: without a service, the address of a pod is said', () => {
  const info = create(InterceptInfoSchema, {
    ...active,
    name: 'echo-no-svc',
    workload: 'echo-no-svc',
  });
  assert.equal(interceptedLines(info).join('\n'), seeds.noService);
});

test('intercept: datagrams', () => {
  const info = create(InterceptInfoSchema, {
    ...active,
    name: 'dns',
    workload: 'dns',
    service: 'dns',
    servicePort: 'dns',
    protocol: 'UDP',
  });
  assert.deepEqual(interceptedLines(info).slice(-2), [
    '    Service Port Identifier: dns',
    '    Intercepting           : all UDP datagrams',
  ]);
});

const wiretapped = {
  ...active,
  mode: 'wiretap',
  name: 'example-app',
  workload: 'example-app',
  service: 'example-app',
};
const ingested = {
  ...active,
  mode: 'ingest',
  name: 'example-app',
  workload: 'example-app',
  container: 'echo-server',
  mountPoint: '/tmp/example-app-mounts',
};

test('wiretap and ingest', () => {
  assert.deepEqual(interceptedLines(create(InterceptInfoSchema, wiretapped)), [
    'Using Deployment example-app',
    'wiretapped',
    '    Wiretap name : example-app',
    '    State        : ACTIVE',
    '    Workload kind: Deployment',
    '    Destination  : 127.0.0.1:8080',
    '    Intercepting : all TCP connections',
  ]);
  assert.deepEqual(interceptedLines(create(InterceptInfoSchema, ingested)), [
    'Using Deployment example-app',
    '    Container name    : echo-server',
    '    Workload kind     : Deployment',
    '    Volume Mount Point: /tmp/example-app-mounts',
  ]);
});

test('list: wiretaps and ingests, ours and others’', () => {
  const lines = (intercepts: readonly object[], heldBy: readonly object[]): readonly string[] =>
    listLines([
      create(ListedWorkloadSchema, {
        workload: { name: 'web', agentInstalled: true, heldBy: [...heldBy] },
        intercepts: [...intercepts],
      }),
    ]);
  const ear = { client: 'eve@laptop3', name: 'ear', state: 'ACTIVE', mode: 'wiretap' };
  const taker = { client: 'bob@laptop2', name: 'mine', state: 'ACTIVE' };
  assert.deepEqual(lines([], [ear]), [
    'web: ready to intercept (traffic-agent already installed), wiretapped by eve@laptop3 (wiretap ear)',
  ]);
  assert.deepEqual(lines([], [ear, taker]), [
    'web: wiretapped by eve@laptop3 (wiretap ear), intercepted by bob@laptop2 (intercept mine)',
  ]);
  const [first = '', ...block] = lines([wiretapped, ingested], [taker]);
  assert.equal(first, 'web: wiretapped, ingested, intercepted by bob@laptop2 (intercept mine)');
  assert.deepEqual(block.slice(0, 1), ['    Wiretap name : example-app']);
  assert.deepEqual(block.slice(-4), [
    '    Ingest name       : example-app',
    '    Container name    : echo-server',
    '    Workload kind     : Deployment',
    '    Volume Mount Point: /tmp/example-app-mounts',
  ]);
});

test('status: wiretaps and ingests only where there are some', () => {
  const text = statusLines(
    create(StatusResponseSchema, {
      status: 'Connected',
      connection: { namespace: 'default' },
      intercepts: [wiretapped, { ...ingested, state: 'WAITING', message: 'pods' }],
    }),
  ).join('\n');
  assert.match(text, /Intercepts +: 0 total\n/);
  assert.match(text, /Wiretaps +: 1 total\n +example-app: ann@laptop\n/);
  assert.match(text, /Ingests +: 1 total\n +example-app: ann@laptop \(WAITING: pods\)\n/);
});

test('list', () => {
  const workload = (name: string, more: object = {}) =>
    create(ListedWorkloadSchema, { workload: { name, kind: 'Deployment', ...more } });
  assert.deepEqual(listLines([workload('echo-no-svc')]), [
    'echo-no-svc: ready to intercept (traffic-agent not yet installed)',
  ]);
  assert.deepEqual(
    listLines([
      workload('a', { agentInstalled: true }),
      workload('bcd', { notInterceptableReason: 'no ports' }),
      create(ListedWorkloadSchema, {
        workload: { name: 'ef' },
        intercepts: [{ ...active, name: 'ef', workload: 'ef', service: 'ef' }],
      }),
    ]),
    [
      'a  : ready to intercept (traffic-agent already installed)',
      'bcd: not interceptable (traffic-agent not installed): no ports',
      'ef : intercepted',
      '    Intercept name: ef',
      '    State         : ACTIVE',
      '    Workload kind : Deployment',
      '    Destination   : 127.0.0.1:8080',
      '    Intercepting  : all TCP connections',
    ],
  );
  const heldBy = [
    { client: 'bob@laptop2', name: 'mine', state: 'ACTIVE' },
    { client: 'eve@laptop3', name: 'admin', state: 'DISCONNECTED' },
  ];
  assert.deepEqual(listLines([workload('web', { agentInstalled: true, heldBy })]), [
    'web: intercepted by bob@laptop2 (intercept mine), eve@laptop3 (intercept admin, disconnected)',
  ]);
  assert.deepEqual(listLines([]), ['No Workloads (Deployments, StatefulSets, or ReplicaSets)']);
});

test('status: connected', () => {
  const status = create(StatusResponseSchema, {
    version: { version: 'v2.18.0', executable: '/usr/local/bin/telepresence' },
    installId: '4b1658f3-7ff8-4af3-66693-f521bc1da32f',
    status: 'Connected',
    connection: {
      server: 'https://203.0.113.7',
      context: 'default',
      namespace: 'default',
      managerNamespace: 'ambassador',
    },
    intercepts: [{ ...active, name: 'dataprocessingnodeservice' }],
    root: {
      running: true,
      version: 'v2.18.0',
      dns: {
        remoteAddress: '127.0.0.1',
        excludeSuffixes: ['.com', '.io', '.net', '.org', '.ru'],
        timeoutMs: 8000,
      },
      subnets: ['10.96.0.0/16', '10.244.0.0/24'],
    },
    managerVersion: 'v2.19.0',
    agentImage: 'docker.io/datawire/tel2:2.18.0',
  });
  assert.equal(statusLines(status).join('\n'), seeds.status);
});

test('status: subnets that are virtual, and why', () => {
  const root = {
    running: true,
    version: 'v1',
    subnets: ['10.244.0.0/16'],
    virtualSubnets: [
      { subnet: '10.96.0.0/16', knownAs: '246.246.0.0/16', why: 'the route 10.0.0.0/8 dev wg0' },
      { subnet: '10.244.0.0/16', knownAs: '246.246.0.0/16', via: 'echo' },
      { subnet: 'fd00::/64', knownAs: 'fd00:0:0:246::/64', why: 'the route x', via: 'echo' },
      { subnet: '10.1.0.0/16' },
    ],
  };
  const lines = statusLines(create(StatusResponseSchema, { status: 'Connected', root }));
  const at = lines.findIndex((line) => line.includes('Virtual Subnets'));
  assert.deepEqual(lines.slice(at, at + 5), [
    '  Virtual Subnets: (4 subnets)',
    '    - 10.96.0.0/16 as 246.246.0.0/16 (overlaps with the route 10.0.0.0/8 dev wg0)',
    '    - 10.244.0.0/16 as 246.246.0.0/16 (via echo)',
    '    - fd00::/64 as fd00:0:0:246::/64 (via echo, overlaps with the route x)',
    '    - 10.1.0.0/16',
  ]);
});

test('status: what is not well is said', () => {
  const status = create(StatusResponseSchema, {
    version: { version: 'v1', executable: '/x' },
    installId: 'id',
    status: 'Disconnected',
    error: 'no control tunnel',
    connection: { server: 's', context: 'c', namespace: 'n', managerNamespace: 'm' },
    intercepts: [{ ...active, name: 'echo', state: 'DISCONNECTED', message: 'the app answers' }],
    transport: 'port-forward',
    rttMs: 12.34,
    root: { running: false, error: 'hung up' },
  });
  const lines = statusLines(status);
  assert.ok(lines.includes('  Error             : no control tunnel'));
  assert.ok(lines.includes('  Transport         : port-forward (12.3 ms)'));
  assert.ok(lines.includes('    echo: ann@laptop (DISCONNECTED: the app answers)'));
  assert.deepEqual(lines.slice(-4), [
    'OSS Root Daemon: Not running',
    '  Error    : hung up',
    '  Next step: telepresence connect',
    'OSS Traffic Manager: Not connected',
  ]);
  assert.deepEqual(stoppedStatusLines(undefined), [
    'OSS User Daemon: Not running',
    'OSS Root Daemon: Not running',
    'OSS Traffic Manager: Not connected',
  ]);
});

test('version', () => {
  const none = { rootDaemon: undefined, userDaemon: undefined, manager: undefined };
  assert.deepEqual(versionLines({ client: 'v1', agentImage: undefined, ...none }), [
    'Client         : v1',
    'Root Daemon    : not running',
    'User Daemon    : not running',
    'Traffic Manager: not connected',
  ]);
  assert.deepEqual(
    versionLines({
      client: '1',
      rootDaemon: 'v1',
      userDaemon: 'v1',
      manager: 'v2',
      agentImage: 'tel2:2',
    }),
    [
      'Client         : v1',
      'Root Daemon    : v1',
      'User Daemon    : v1',
      'Traffic Manager: v2',
      'Traffic Agent  : tel2:2',
    ],
  );
});

test('a replaced container: which, and where each of its ports goes', () => {
  const info = create(InterceptInfoSchema, {
    name: 'web',
    state: 'ACTIVE',
    workloadKind: 'Deployment',
    workload: 'web',
    targetHost: '127.0.0.1',
    container: 'app',
    replaced: true,
    wholeContainer: true,
    podIp: '10.244.0.13',
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP', target: 9000 },
      { port: 8081, protocol: 'TCP', target: 8081 },
    ],
  });
  assert.equal(
    interceptedLines(info).join('\n'),
    `Using Deployment web
replaced
    Intercept name    : web
    State             : ACTIVE
    Workload kind     : Deployment
    Replaced container: app
    Intercepting      : 10.244.0.13 -> 127.0.0.1
      8080 -> 9000 TCP
      8081 -> 8081 TCP`,
  );
  const portless = interceptedLines({ ...info, ports: [] });
  assert.match(portless.at(-1) ?? '', /: nothing, as the container has no TCP or UDP ports$/);
  const listed = create(ListedWorkloadSchema, { workload: { name: 'web' }, intercepts: [info] });
  assert.equal(listLines([listed])[0], 'web: replaced');
});
