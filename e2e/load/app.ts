import { rolldown } from 'rolldown';
import { demoImages } from '../../playground/demo-images.ts';
import { agentRequestAnnotation } from '#protocol/resources.ts';

const labels = (name: string): Readonly<Record<string, string>> => ({ app: name });

/** Else a busy machine gives pods next to nothing, and measures itself. */
const resources = { requests: { cpu: '100m' } };
/** One that takes long is not to be taken away: who answers is what is looked at. */
const patient = { periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 30 };

/** Where the node keeps one empty database, which every pod copies: the laptop's makes it. */
export const emptyDatabase = '/var/lib/e2e-load';

const startPostgres = `set -e
if [ -n "$NAME" ] && [ ! -d /empty/pg ]; then
  rm -rf /empty/new
  initdb --pgdata=/empty/new --username=postgres --auth=trust --no-locale --no-sync --encoding=UTF8
  echo 'host all all all trust' >>/empty/new/pg_hba.conf
  echo 'create table handled (id text)' | postgres --single -j -D /empty/new postgres
  mv /empty/new /empty/pg
fi
until [ -d /empty/pg ]; do sleep 0.2; done
cp -r /empty/pg /data/pg && chmod 700 /data/pg
exec postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off \\
  -c max_connections=50 -c shared_buffers=8MB -c cluster_name="\${NAME:-$(hostname)}"`;

const postgres = {
  name: 'postgres',
  image: demoImages.postgres,
  command: ['sh', '-c', startPostgres],
  env: [{ name: 'PGTZ', value: 'UTC' }],
  ports: [{ name: 'pg', containerPort: 5432 }],
  resources,
  // One that starts a program takes much of a busy machine.
  readinessProbe: { tcpSocket: { port: 5432 }, ...patient },
  volumeMounts: [
    { name: 'data', mountPath: '/data' },
    { name: 'empty', mountPath: '/empty' },
    { name: 'tmp', mountPath: '/tmp' },
  ],
};

const web = {
  name: 'web',
  image: demoImages.nodeServers,
  // Its end is waited for, as careful apps do: endpoints are told of it a moment later.
  command: ['sh', '-c', 'trap "sleep 3; exit" TERM; node /program/answering.mjs 8080 & wait'],
  ports: [{ name: 'web', containerPort: 8080 }],
  resources,
  readinessProbe: { httpGet: { path: '/ready', port: 8080 }, ...patient },
  volumeMounts: [{ name: 'program', mountPath: '/program', readOnly: true }],
};

/** The workload that is intercepted under load: a web server and a PostgreSQL in each pod. */
export function loadApp(options: {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  readonly take: 'redirect' | 'rename';
}): string {
  const { namespace, name, replicas, take } = options;
  const byName = take === 'rename';
  return manifests([
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name },
      spec: {
        selector: labels(name),
        ports: [
          { name: 'web', port: 80, targetPort: byName ? 'web' : 8080 },
          { name: 'pg', port: 5432, targetPort: byName ? 'pg' : 5432 },
        ],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name },
      spec: {
        replicas,
        selector: { matchLabels: labels(name) },
        template: {
          metadata: {
            labels: labels(name),
            annotations: {
              [agentRequestAnnotation]: JSON.stringify({
                take,
                ports: byName ? ['pg', 'web'] : [],
              }),
            },
          },
          spec: podSpec([web, postgres]),
        },
      },
    },
  ]);
}

/** The database that the laptop's handler passes its connections on to: it is called `laptop`. */
export function laptopDatabase(namespace: string): string {
  const name = 'laptop-pg';
  return manifests([
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name },
      spec: { selector: labels(name), ports: [{ port: 5432 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name },
      spec: {
        selector: { matchLabels: labels(name) },
        template: {
          metadata: { labels: labels(name) },
          spec: podSpec([
            { ...postgres, env: [...postgres.env, { name: 'NAME', value: 'laptop' }] },
          ]),
        },
      },
    },
  ]);
}

/** The app's program, as pods mount it. */
export async function programMap(namespace: string): Promise<string> {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: 'program' },
    data: { 'answering.mjs': await program() },
  });
}

async function program(): Promise<string> {
  await using bundle = await rolldown({
    input: new URL('answering.ts', import.meta.url).pathname,
    platform: 'node',
    resolve: { conditionNames: ['node', 'import', 'default'] },
  });
  const { output } = await bundle.generate({
    format: 'esm',
    comments: { legal: false, jsdoc: false, annotation: false },
  });
  return output.map((part) => (part.type === 'chunk' ? part.code : '')).join('\n');
}

function podSpec(containers: readonly object[]): object {
  return {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 10,
    securityContext: { runAsUser: 999, runAsGroup: 999, fsGroup: 999, runAsNonRoot: true },
    containers,
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'empty', hostPath: { path: emptyDatabase } },
      { name: 'tmp', emptyDir: {} },
      { name: 'program', configMap: { name: 'program' } },
    ],
  };
}

function manifests(objects: readonly object[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}
