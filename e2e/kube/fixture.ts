import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { assemble } from '../../images/assemble.ts';
import { cacheFrom } from '../../images/cache.ts';
import { programs } from '../../images/closure.ts';
import { run } from '../../images/command.ts';
import { debianRoot } from '../../images/debian.ts';
import { loadImage } from '../../playground/load.ts';
import { clusterMachine, requireMachine } from '../../playground/machine.ts';
import { settingsFrom } from '../../playground/settings.ts';
import { apply, kubectl, onLaptop } from '../run.ts';

const here = import.meta.dirname;
const image = 'telepresence-e2e/pod-server:1';
const { layout } = settingsFrom(process.env);

export interface PodServer extends AsyncDisposable {
  /** Its certificate, for `relay.test`. */
  readonly cert: string;
}

/** A namespace with a pod of pod-server.ts behind the Service `relay`, port `api`. */
export async function startPodServer(namespace: string, signal: AbortSignal): Promise<PodServer> {
  await loadPodImage(signal);
  const { key, cert } = await selfSigned(signal);
  const env = [
    { name: 'TLS_KEY', value: key },
    { name: 'TLS_CERT', value: cert },
  ];
  const labels = { app: 'relay' };
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'relay', namespace, labels },
      spec: {
        containers: [
          {
            name: 'server',
            image,
            env,
            ports: [{ name: 'tls', containerPort: 8443 }],
            readinessProbe: { tcpSocket: { port: 'tls' }, periodSeconds: 1 },
          },
        ],
        terminationGracePeriodSeconds: 0,
      },
    },
    service(namespace, 'relay', labels),
    service(namespace, 'empty', { app: 'nobody' }),
  ];
  await apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  await kubectl('wait', '-n', namespace, '--for=condition=Ready', 'pod/relay', '--timeout=60s');
  return {
    cert,
    async [Symbol.asyncDispose]() {
      await kubectl('delete', 'namespace', namespace, '--wait=false');
    },
  };
}

function service(
  namespace: string,
  name: string,
  selector: Readonly<Record<string, string>>,
): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector, ports: [{ name: 'api', port: 443, targetPort: 'tls' }] },
  };
}

async function loadPodImage(signal: AbortSignal): Promise<void> {
  const cache = cacheFrom(process.env);
  const deps = { cache, env: process.env, progress: () => {} };
  const root = await debianRoot(deps, ['libatomic1', 'libstdc++6'], signal);
  const tar = await assemble(
    {
      name: image,
      entries: [
        ...(await programs(root, [{ from: process.execPath, to: 'usr/bin/node' }], signal)),
        { kind: 'directory', path: 'tmp', mode: 0o1777 },
        {
          kind: 'file',
          path: 'app/server.ts',
          mode: 0o644,
          content: { from: resolve(here, 'pod-server.ts') },
        },
        {
          kind: 'file',
          path: 'app/package.json',
          mode: 0o644,
          content: { bytes: Buffer.from('{ "type": "module" }') },
        },
      ],
      config: { entrypoint: ['/usr/bin/node', '/app/server.ts'], user: '65532:65532' },
    },
    join(cache, 'images'),
  );
  await loadImage(await requireMachine(layout, clusterMachine), tar, signal);
}

async function selfSigned(signal: AbortSignal): Promise<{ key: string; cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'e2e-kube-'));
  try {
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const name = ['-subj', '/CN=relay', '-addext', 'subjectAltName=DNS:relay.test'];
    await run(
      ['openssl', 'req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '2', ...name],
      { signal },
    );
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Runs a file of tests on the laptop; throws with all it printed when one fails. */
export async function testOnLaptop(
  file: string,
  options: { readonly env?: Readonly<Record<string, string>>; readonly kubeconfig?: string } = {},
): Promise<void> {
  // A test runner that finds itself inside another one runs nothing.
  const clean = ['env', '-u', 'NODE_TEST_CONTEXT'];
  const result = await onLaptop(
    [
      ...clean,
      'sh',
      'tools/node',
      '--test',
      '--test-force-exit',
      '--test-timeout=60000',
      resolve(here, file),
    ],
    {
      ...options,
      deadlineMs: 180_000,
      mayFail: true,
    },
  );
  process.stdout.write(result.stdout);
  if (result.status !== 0 || !/pass [1-9]/.test(result.stdout))
    throw new Error(`${file} failed on the laptop: ${result.stderr}`);
}
