/** What is said before it goes wrong: provoked, and read. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { kubeconfigPath } from '../playground/kubeconfig.ts';
import { settingsFrom } from '../playground/settings.ts';
import { writeBrokenKubeconfigs } from './broken-kubeconfigs.ts';
import { eventually } from './eventually.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence, type RunOptions } from './run.ts';
import { startTelepresence } from './under-way.ts';
import { createUser, grantClient, grantRules } from './user.ts';

const { layout } = settingsFrom(process.env);
const namespaces = {
  plain: 'preflight',
  quota: 'preflight-quota',
  baseline: 'preflight-baseline',
  silent: 'deny-egress-preflight',
  firewall: 'deny-egress-by-firewall',
} as const;
const owned = new AsyncDisposableStack();
/** What a command takes on this machine now, beside the 5 s that each may need. */
let slack = 0;

before(async () => {
  await prepare();
  owned.use(await createNamespace(namespaces.plain));
  owned.use(await createNamespace(namespaces.quota, 'quota'));
  owned.use(await createNamespace(namespaces.baseline, 'baseline'));
  owned.use(await createNamespace(namespaces.silent, 'deny-egress'));
  // Its pods open no connection, and nothing in the cluster says so.
  owned.use(await createNamespace(namespaces.firewall));
  await writeBrokenKubeconfigs(layout, await readFile(kubeconfigPath(layout, 'admin'), 'utf8'));
  for (const namespace of Object.values(namespaces)) {
    await apply(helloApp({ namespace, name: 'hello' }));
  }
  await Promise.all(Object.values(namespaces).map(rollOut));
  const began = systemClock.monotonic();
  await telepresence(['version']);
  slack = 15 * (systemClock.monotonic() - began);
  // The daemons run from now on.
  await connect(namespaces.plain);
  await telepresence(['quit']);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await owned.disposeAsync();
});

async function connect(namespace: string): Promise<void> {
  await telepresence(['connect', '-n', namespace]);
}

/** Runs a command that must fail: exit code 1, one sentence and the next step, in time. */
async function fails(
  argv: readonly string[],
  sentence: RegExp,
  step: RegExp,
  options: RunOptions = {},
): Promise<void> {
  const began = systemClock.monotonic();
  const { status, stderr } = await telepresence(argv, { mayFail: true, ...options });
  const ms = systemClock.monotonic() - began;
  const [first = '', second = '', ...more] = stderr.trim().split('\n');
  console.log(`${String(Math.round(ms))} ms: ${first}\n    ${second}`);
  assert.equal(status, 1, stderr);
  assert.match(first, /^telepresence [a-z -]+: error: /);
  assert.match(first, sentence);
  assert.match(second, step);
  assert.deepEqual(more, [], 'one sentence and one step');
  assert.ok(ms < (options.deadlineMs ?? 5000) + slack, `${argv.join(' ')}: ${String(ms)} ms`);
}

/** Throws where something of ours is in the cluster or on the laptop. */
async function nothingIsLeft(): Promise<void> {
  const objects = await kubectl('get', 'connections,intercepts', '-A', '-o', 'name');
  assert.equal(objects.trim(), '');
  const tables = await onLaptop(['nft', 'list', 'tables']);
  assert.doesNotMatch(tables.stdout, /telepresence/);
  const { stdout } = await onLaptop(['sh', '-c', 'ls /sys/class/net; ip route']);
  assert.doesNotMatch(stdout, /tel0/);
}

const kubeconfigs: readonly (readonly [string, RegExp, RegExp])[] = [
  ['missing', /kubeconfig \S+missing does not exist|there is no kubeconfig/, /--kubeconfig/],
  ['not-yaml', /not-yaml is not YAML: .* at line \d+/, /mend that line/],
  ['no-context', /has no current context/, /choose one with --context .*admin@playground/],
  ['other-context', /the kubeconfig has no context absent/, /it has .*admin@playground/],
  ['no-server', /no-server is broken: clusters\.0\.cluster\.server is missing/, /mend it/],
  ['no-url', /the server of cluster \S+ is not a URL: 198/, /https:\/\/HOST:PORT/],
  [
    'ca-file',
    /certificate-authority of cluster \S+ is in \S+ca.crt, which does not/,
    /put it there/,
  ],
  ['no-base64', /client-key of user kubernetes-admin is not base64/, /anew/],
  ['no-pem', /client certificate of user kubernetes-admin .* is not a certificate/, /anew/],
  ['other-ca', /its certificate is not signed by the authority/, /--certificate-authority/],
  ['no-cluster', /198\.18\.0\.1 is no Kubernetes API server/, /server/],
  ['plugin-absent', /credential plugin no-such-plugin is not installed/, /install it/],
  ['plugin-fails', /credential plugin sh failed: your login has ended/, /sign in/],
  ['plugin-babbles', /credential plugin echo printed no ExecCredential/, /echo hello/],
  ['token-wrong', /the token of user kubernetes-admin is not valid/, /kubectl auth whoami/],
  ['certificate-old', /the client certificate of user kubernetes-admin expired on 20/, /whoami/],
  ['token-old', /the token of user kubernetes-admin expired on 2023-11-14/, /kubectl auth whoami/],
];

test('a kubeconfig or credentials that cannot be used', async () => {
  for (const [name, sentence, step] of kubeconfigs) {
    await fails(['connect'], sentence, step, { kubeconfig: name });
  }
  await fails(
    ['connect', '--context', 'kubernetes-admin@playground'],
    /has no context kubernetes-admin@playground$/,
    /did you mean: kubernetes-admin@playground-/,
  );
  await nothingIsLeft();
});

test('rights that are missing are named, with the role that gives them', async () => {
  const namespace = namespaces.plain;
  const alice = await createUser('alice');
  const as = { kubeconfig: 'alice' };
  const argv = ['connect', '-n', namespace];
  const role = /-n preflight create rolebinding .*--clusterrole=telepresence-client --user=alice/;
  await fails(
    argv,
    /user alice may not create, get, list, watch, delete connections\.intercept\.telepresence\.io in namespace preflight, nor get services\/proxy https:traffic-manager:api in namespace ambassador/,
    role,
    as,
  );
  const verbs = ['create', 'get', 'list', 'watch', 'delete'];
  for (const missing of verbs) {
    const rule = { apiGroups: ['intercept.telepresence.io'], resources: ['connections'] };
    await grantRules(
      namespace,
      [{ ...rule, verbs: verbs.filter((verb) => verb !== missing) }],
      [alice],
    );
    await fails(argv, new RegExp(`may not ${missing} connections\\S+ in namespace`), role, as);
  }
  await nothingIsLeft();
  owned.use(await grantClient(namespace, [alice]));
  await telepresence(argv, as);
  await fails(
    ['intercept', 'hello', '-n', 'default', '--port', '8080'],
    /user alice may not create, list, watch, delete intercepts\.\S+ in namespace default/,
    /-n default create rolebinding/,
    as,
  );
  await telepresence(['quit']);
  await nothingIsLeft();
});

test('a traffic-manager that is not where it is looked for', async () => {
  await fails(
    ['connect', '--manager-namespace', namespaces.plain],
    /not installed in namespace preflight, but in ambassador/,
    /--manager-namespace ambassador/,
  );
  await apply(peersService(namespaces.plain));
  await fails(
    ['connect', '--manager-namespace', namespaces.plain],
    /not installed in namespace preflight, where another Telepresence's is \(2\.20\.2\)/,
    /--manager-namespace ambassador/,
  );
  await fails(['connect', '-n', 'no-such'], /namespace no-such does not exist/, /get namespaces/);
  await nothingIsLeft();
});

function peersService(namespace: string): string {
  const labels = {
    'app.kubernetes.io/version': '2.20.2',
    'helm.sh/chart': 'telepresence-2.20.2',
  };
  const metadata = { namespace, name: 'traffic-manager', labels };
  const spec = { clusterIP: 'None', ports: [{ name: 'api', port: 8081 }] };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata, spec });
}

test('what a flag cannot be', async () => {
  await fails(['connect', '--nonsense'], /unknown flag: --nonsense/, /--help|did you mean/);
  await fails(['connect', '--also-proxy', 'x'], /"?x"?/, /./);
  await fails(['intercept', 'hello', '--port', 'x:y:z'], /x:y:z/, /./);
  await fails(['intercept', 'hello', '--mount', 'false:ro'], /"false:ro" for "--mount"/, /--help/);
});

test('an intercept of what there is not', async () => {
  await connect(namespaces.plain);
  const intercept = (name: string, ...more: readonly string[]): readonly string[] => [
    'intercept',
    name,
    '--port',
    ...more,
  ];
  await fails(
    intercept('helo', '8080'),
    /no Deployment, StatefulSet or ReplicaSet named helo in namespace preflight; did you mean hello/,
    /telepresence list/,
  );
  await fails(intercept('hello', '8080:nosuch'), /nosuch/, /./);
  await fails(
    intercept('hello', '8080', '--container', 'nosuch'),
    /no container nosuch; it has app/,
    /./,
  );
  await fails(intercept('hello', '8080', '-n', 'no-such'), /namespace no-such does not exist/, /./);
  await telepresence(['quit']);
  await nothingIsLeft();
});

test('a namespace that lets no agent in, or lets none out', async () => {
  await connect(namespaces.plain);
  const intercept = (namespace: string): readonly string[] =>
    'intercept hello --port 8080 -n'.split(' ').concat(namespace);
  await fails(intercept(namespaces.quota), /exceeded quota: small/, /agent\.resources/);
  await fails(
    intercept(namespaces.baseline),
    /does not allow .* NET_ADMIN .* give the port a name/,
    /./,
  );
  // Its pod is made anew, and may not reach the manager: the network is not known to heed policies.
  const unreachable =
    /agent in pod hello-\S+ cannot reach the traffic-manager, as NetworkPolicy default-deny-egress of namespace deny-egress-preflight does not let it/;
  const open = /let these pods reach port 8081 .* and the cluster's DNS/;
  await fails(intercept(namespaces.silent), unreachable, open, { deadlineMs: 20_000 });
  // The pod is there now, and nothing is waited for.
  await fails(intercept(namespaces.silent), unreachable, open);
  await telepresence(['quit']);
  await nothingIsLeft();
});

test('an agent that is kept from the manager by what nobody can see', async () => {
  const namespace = namespaces.firewall;
  await connect(namespaces.plain);
  const intercept = ['intercept', 'hello', '-n', namespace, '--port', '8080'];
  const command = await startTelepresence(intercept);
  const status = '{.items[0].status.state} {.items[0].status.message}';
  let said = '';
  await eventually('it is said', 60_000, async () => {
    said = await kubectl('get', 'intercepts', '-n', namespace, '-o', `jsonpath=${status}`);
    assert.match(
      said,
      /^Waiting the traffic-agent in pod hello-\S+ cannot reach the traffic-manager: does a NetworkPolicy of namespace deny-egress-by-firewall, a firewall or a mesh forbid it\?$/,
    );
  });
  await command.says(
    /^Warning: the traffic-agent in pod hello-\S+ cannot reach the traffic-manager/m,
  );
  const agent = '.status.initContainerStatuses[?(@.name=="traffic-agent")]';
  const started = `jsonpath={.items[*]${agent}.state.running.startedAt}`;
  const since = await kubectl('get', 'pods', '-n', namespace, '-o', started);
  console.log(`said ${String(Date.now() - Date.parse(since.trim()))} ms after the agent's start`);
  // And by the agent itself: what it waits for.
  const pod = /pod (hello-\S+) /.exec(said)?.[1] ?? '';
  const log = ['logs', '-n', namespace, pod, '-c', 'traffic-agent'];
  await eventually('the agent says what it waits for', 20_000, async () => {
    assert.match(
      await kubectl(...log),
      /traffic-manager not reached.*an answer of the cluster's DNS/,
    );
  });
  await command.interrupt();
  assert.equal((await command.ended).status, 130);
  await telepresence(['quit']);
  await nothingIsLeft();
});

test('a webhook that is gone', async () => {
  await connect(namespaces.plain);
  const name = 'agent-injector-webhook-ambassador';
  await kubectl('delete', 'mutatingwebhookconfiguration', name, '--ignore-not-found');
  try {
    await fails(
      ['intercept', 'hello', '--port', '8080'],
      /MutatingWebhookConfiguration agent-injector-webhook-ambassador is gone, so no pod/,
      /telepresence helm upgrade/,
    );
  } finally {
    // As the sentence says.
    const upgrade = ['helm', 'upgrade', '--set', 'image.registry=telepresence'];
    await telepresence(upgrade, { deadlineMs: 120_000 });
    await kubectl('get', 'mutatingwebhookconfiguration', name);
    await telepresence(['quit']);
  }
});

test('a subnet of this machine that is the cluster’s too, where no virtual one is wanted', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'telepresence-preflight-'));
  await mkdir(join(directory, 'telepresence'));
  const config = JSON.stringify({ routing: { autoResolveConflicts: false } });
  await writeFile(join(directory, 'telepresence', 'config.yml'), config);
  await onLaptop(['ip', 'route', 'add', '10.96.7.0/24', 'dev', 'lo']);
  try {
    await fails(
      ['connect'],
      /subnet 10\.96\.0\.0\/16 overlaps with the route .*10\.96\.7\.0\/24/,
      /--vnat 10\.96\.0\.0\/16; .*--never-proxy/,
      { env: { XDG_CONFIG_HOME: directory } },
    );
  } finally {
    await rm(directory, { recursive: true });
    await onLaptop(['ip', 'route', 'del', '10.96.7.0/24', 'dev', 'lo']);
  }
  await nothingIsLeft();
});
