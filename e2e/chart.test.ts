// The real helm makes of chart/ what `telepresence helm install` writes, and reads --set as we do.
import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import * as v from 'valibot';
import { version } from '#base/version.ts';
import { managerConfig } from '#install/manager-config.ts';
import { manifests } from '#install/manifests.ts';
import { coalesce, isTree, parseValues } from '#install/values.ts';
import { mergeValues, setValues, type SetFlag, type ValueTree } from '../src/cli/helm/set-value.ts';
import { run } from '../images/command.ts';
import { chartFiles } from '../tools/chart/files.ts';
import { buildHelm } from './kube/helm.ts';

const repository = new URL('..', import.meta.url).pathname;
// A helm that is built without its release flags knows old clusters only.
const kube = ['--kube-version', 'v1.34.0'];
const signal = AbortSignal.timeout(800_000);
let helm = '';
let folder = '';

before(async () => {
  helm = await buildHelm(signal);
  folder = await mkdtemp(join(tmpdir(), 'chart-'));
});
after(async () => await rm(folder, { recursive: true, force: true }));

test('chart/ and docs/helm-values.md are what src/install says', async () => {
  for (const [path, text] of chartFiles()) {
    assert.equal(
      await readFile(join(repository, path), 'utf8'),
      text,
      `${path}: write it anew with: sh tools/node tools/chart.ts`,
    );
  }
});

const everything = {
  image: {
    registry: 'r.example/x',
    name: 'y',
    tag: '9',
    pullPolicy: 'Always',
    imagePullSecrets: [{ name: 's' }],
  },
  agent: {
    image: { registry: '', tag: '8', pullPolicy: 'Never' },
    logLevel: 'trace',
    resources: { limits: { cpu: null, memory: '1Gi' } },
    initResources: { requests: { cpu: 1 } },
    securityContext: { runAsUser: 7, capabilities: { add: ['A'] } },
    appProtocolStrategy: 'http2Probe',
  },
  logLevel: 'debug',
  apiPort: 10_260,
  hostNetwork: true,
  resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } },
  securityContext: { capabilities: { add: ['NET_BIND_SERVICE'] }, runAsUser: 1000 },
  podSecurityContext: { fsGroup: 3 },
  livenessProbe: { periodSeconds: 30 },
  readinessProbe: { failureThreshold: 9 },
  podAnnotations: { 'a.b/c': '<$(X) & "y">' },
  podLabels: { app: 'not this', more: 'x' },
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ key: 'k', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  topologySpreadConstraints: [{ maxSkew: 1 }],
  priorityClassName: 'high',
  schedulerName: 'mine',
  podCIDRs: ['10.1.0.0/16', 'fd00::/64'],
  podCIDRStrategy: 'environment',
  agentInjector: {
    name: 'inject',
    injectPolicy: 'WhenEnabled',
    webhook: {
      port: 8443,
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      timeoutSeconds: 9,
      namespaceSelector: {
        matchLabels: { a: 'b' },
        matchExpressions: [{ key: 'x', operator: 'In', values: ['1', '2'] }],
      },
      objectSelector: { matchLabels: { c: 'd' } },
    },
  },
  serviceAccount: { name: 'account', annotations: { k: 'v' } },
  intercept: { environment: { excluded: ['A', 'B'] } },
  workloads: { replicaSets: { enabled: false }, argoRollouts: { enabled: true } },
  client: {
    connectionTTL: '1h30m5s10ms',
    outbound: 'namespaces',
    routing: {
      alsoProxySubnets: ['1.2.3.0/24'],
      neverProxySubnets: ['1.2.3.4/32'],
      autoResolveConflicts: false,
    },
    dns: {
      excludeSuffixes: null,
      includeSuffixes: ['.corp'],
      excludes: ['a.b'],
      mappings: [{ name: 'db', aliasFor: 'db.shop' }],
      lookupTimeout: '2s',
    },
  },
  hooks: { curl: { tag: 'x' } },
};
const clientRbac = {
  create: true,
  subjects: [
    { kind: 'User', name: 'alice' },
    { kind: 'ServiceAccount', name: 'ci' },
    { kind: 'ServiceAccount', name: 'ci', namespace: 'other' },
  ],
};
const sets: Readonly<Record<string, ValueTree>> = {
  defaults: {},
  everything,
  'a namespaced manager': {
    managerRbac: { namespaced: true, namespaces: ['shop', 'bank'] },
    clientRbac,
  },
  'namespaces by the newer name': { namespaces: ['shop'], managerRbac: { namespaces: ['not'] } },
  'users everywhere, with more rules': {
    clientRbac: {
      ...clientRbac,
      ruleExtras: [{ apiGroups: [''], resources: ['pods/log'], verbs: ['get'] }],
    },
  },
  'users in some namespaces': {
    clientRbac: { ...clientRbac, namespaced: true, namespaces: ['b', 'a'], ruleExtras: [{}] },
  },
  'no injector, no account, no rights': {
    agentInjector: { enabled: false },
    serviceAccount: { create: false },
    managerRbac: { create: false },
    replicaCount: 0,
  },
  'rights only': { rbac: { only: true }, namespaces: ['a'], clientRbac },
  'what null takes away': {
    resources: null,
    agent: { resources: { requests: null } },
    tolerations: null,
    podLabels: null,
  },
};

for (const [name, given] of Object.entries(sets)) {
  test(`helm template: ${name}`, async () => {
    const file = join(folder, 'values.yaml');
    await writeFile(file, JSON.stringify(given));
    const template = ['template', 'traffic-manager', 'chart', '-n', 'tools', '-f', file, ...kube];
    const { stdout } = await run([helm, ...template], { cwd: repository, signal });
    const parsed = parseValues(given);
    assert.ok(parsed.ok);
    const context = { release: 'traffic-manager', namespace: 'tools', version };
    const theirs = byKey(documentsOf(stdout));
    const ours = byKey(manifests(parsed.values, context));
    assert.deepEqual([...theirs.keys()], [...ours.keys()]);
    for (const [key, object] of ours) assert.deepEqual(theirs.get(key), object, key);
  });
}

test('the chart refuses what we refuse', async () => {
  for (const given of [
    { loglevel: 'debug' },
    { logLevel: 'loud' },
    { agent: { image: { tagg: 'x' } } },
    { apiPort: '80' },
    { replicaCount: -1 },
    { client: { connectionTTL: 'soon' } },
    { managerRbac: { namespaced: true } },
    { clientRbac: { namespaced: true } },
    { hostNetwork: true },
    { prometheus: { port: 9090 } },
    { agentInjector: { certificate: { method: 'certmanager' } } },
    { namespaces: ['Not A Name'] },
  ]) {
    assert.ok(!parseValues(given).ok, JSON.stringify(given));
    const file = join(folder, 'bad.yaml');
    await writeFile(file, JSON.stringify(given));
    const template = [helm, 'template', 'x', 'chart', '-f', file, ...kube];
    const { status, stderr } = await run(template, { cwd: repository, mayFail: true, signal });
    assert.equal(status, 1, JSON.stringify(given));
    assert.match(stderr, /schema|Values|namespaces|apiPort/, JSON.stringify(given));
    assert.doesNotMatch(stderr, /kubeVersion/);
  }
});

test('--set and its kin mean what they mean to helm', async () => {
  const probe = join(folder, 'probe');
  await mkdir(join(probe, 'templates'), { recursive: true });
  await writeFile(join(probe, 'Chart.yaml'), 'apiVersion: v2\nname: probe\nversion: 0.1.0\n');
  const defaults = { base: { a: 1, b: { c: 2 } }, list: [1, 2], text: 'x' };
  await writeFile(join(probe, 'values.yaml'), JSON.stringify(defaults));
  await writeFile(join(probe, 'templates', 'values.yaml'), 'v: {{ toJson .Values | quote }}\n');
  await writeFile(join(folder, 'some.txt'), 'line, one\n');
  const cases: readonly (readonly (readonly [SetFlag, string])[])[] = [
    [['set', 'a=1,b=true,c=null,d=,e=007,f=0,g=-3,h=1.5']],
    [['set', 'a.b[0].c={x,y},a.b[1].d=z']],
    [['set', 'l={a, b,1,true}']],
    [['set', 'l={}']],
    [['set', 'l=[]']],
    [['set', 'l[2]=x']],
    [['set', String.raw`a\.b=1,c=x\,y,d=\{z\}`]],
    [['set', 'base=null']],
    [['set', 'base.a=null,list=null']],
    [['set', 'base.b.c=3,list[0]=9']],
    [['set-string', 'a=1,b=true,c=null,l={1,2}']],
    [['set-json', 'a={"b":[1,"x,y"]},c=null,d="e"']],
    [['set-file', 'a=some.txt']],
    [
      ['set', 'a=1'],
      ['set-string', 'a=2'],
      ['set-json', 'a=3'],
    ],
  ];
  for (const one of cases) {
    const flags = one.flatMap(([flag, text]) => [`--${flag}`, text]);
    const template = [helm, 'template', 'x', probe, ...flags];
    const { stdout } = await run(template, { cwd: folder, signal });
    const [document] = documentsOf(stdout);
    const theirs: unknown = JSON.parse(v.parse(v.object({ v: v.string() }), document).v);
    let ours: ValueTree = {};
    for (const flag of ['set-json', 'set', 'set-string', 'set-file'] as const) {
      for (const [, text] of one.filter(([of]) => of === flag)) {
        const readFileOf = async (path: string): Promise<string> =>
          await readFile(join(folder, path), 'utf8');
        await setValues(ours, text, { flag, readFile: readFileOf });
      }
    }
    ours = mergeValues({}, ours);
    assert.deepEqual(withoutEmpty(coalesce(defaults, ours)), withoutEmpty(theirs), flags.join(' '));
  }
});

/** What null takes away is empty to us and gone to helm: the same to a template. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => {
      const left = withoutEmpty(one);
      const empty = left === null || (typeof left === 'object' && Object.keys(left).length === 0);
      return empty ? [] : [[key, left]];
    }),
  );
}

const object = v.looseObject({
  kind: v.string(),
  metadata: v.looseObject({ name: v.string(), namespace: v.optional(v.string(), '') }),
});

function documentsOf(text: string): unknown[] {
  return parseAllDocuments(text)
    .map((document): unknown => document.toJS())
    .filter((document) => document !== null);
}

/** Each object by what it is; the manager's configuration read, whose keys helm sorts. */
function byKey(objects: readonly unknown[]): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  for (const one of objects) {
    const { kind, metadata } = v.parse(object, one);
    const key = `${kind} ${metadata.namespace}/${metadata.name}`;
    assert.ok(!found.has(key), `${key} twice`);
    found.set(key, kind === 'Deployment' ? readConfig(one) : one);
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function readConfig(deployment: unknown): unknown {
  const text = JSON.stringify(deployment);
  const pod = v.parse(
    v.object({
      spec: v.object({
        template: v.object({
          spec: v.object({
            containers: v.tuple([v.object({ env: v.tuple([v.object({ value: v.string() })]) })]),
          }),
        }),
      }),
    }),
    deployment,
  );
  const [{ env }] = pod.spec.template.spec.containers;
  const config = v.parse(managerConfig, JSON.parse(env[0].value.replaceAll('$$', () => '$')));
  const rest: unknown = parse(text.replace(JSON.stringify(env[0].value), '""'));
  return { rest, config };
}
