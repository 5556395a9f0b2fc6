import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busybox } from '../docker/busybox-image.ts';
import { serverImages } from '../docker/server-images.ts';

/** A program that says who answers, with what of the pod. */
const answer = (who: string): string =>
  `#!/bin/sh
echo; echo "${who} color=$COLOR size=$SIZE greeting=$GREETING money=$MONEY settings=$(cat /etc/settings/color 2>/dev/null)"
`;

const server = (port: number, who: string): readonly string[] => [
  'sh',
  '-c',
  `exec httpd -f -p ${String(port)} -h /home/${who}`,
];

/** A project as people have them: two apps, a database, a cache, a worker; networks, profiles, health. */
export const shopCompose = `# The user's own words stay as they are.
services:
  web:
    image: ${busybox}
    init: true
    command: ${JSON.stringify(server(8080, 'web'))}
    environment: {SIZE: from-compose, MONEY: "\${PRICE}"}
    ports: ["18080:8080", "127.0.0.1:18081:8080"]
    networks: {default: {}, back: {aliases: [frontend]}}
    extra_hosts: ["printer:192.0.2.9"]
    hostname: web-host
    depends_on:
      cache: {condition: service_healthy}
      auth: {condition: service_started}
    volumes: [".:/home", "settings:/etc/settings"]
  orders:
    image: ${busybox}
    init: true
    command: ${JSON.stringify(server(8090, 'orders'))}
    volumes: [".:/home"]
    x-telepresence: {behavior: interceptHandler, intercepts: [orders]}
  auth:
    image: nobody/has-this:1
    depends_on: {db: {condition: service_healthy}}
    x-telepresence: {behavior: remote, mapping: {name: login}}
  db:
    image: ${serverImages.postgres}
    command: [sh, /start.sh]
    environment: {PGDATA: /tmp/data, POSTGRES_PASSWORD: secret}
    networks: [back]
    volumes: ["./start.sh:/start.sh:ro", "pgdata:/kept"]
    healthcheck: {test: [CMD-SHELL, "pg_isready -h 127.0.0.1 || /usr/lib/postgresql/*/bin/pg_isready -h 127.0.0.1"], interval: 1s, retries: 60}
    stop_signal: SIGINT
  cache:
    image: ${serverImages.redis}
    command: [redis-server, --save, '', --protected-mode, 'no']
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, retries: 60}
  worker:
    image: ${busybox}
    init: true
    command: ${JSON.stringify(server(8000, 'worker'))}
    volumes: [".:/home"]
    links: ["web:shopfront"]
  reports:
    image: ${busybox}
    init: true
    command: [sleep, infinity]
    networks: [back]
  debugger:
    image: ${busybox}
    command: [sleep, infinity]
    profiles: [debug]
networks: {back: {}}
volumes: {settings: {}, pgdata: {}}
`;

/** The Intercept Specification beside it. */
export const shopSpecification = (namespace: string): string => `
name: shop
connection: {name: ${namespace}, namespace: ${namespace}}
workloads:
  - name: shop
    intercepts: [{handler: shop, localPort: 8080, global: true, previewURL: false}]
  - name: orders
    intercepts: [{handler: shop, localPort: 8090, global: true, previewURL: false}]
handlers:
  - name: shop
    environment: [{name: GREETING, value: "hello $you"}]
    docker:
      compose:
        context: project
        services: [{name: web, behavior: interceptHandler, intercepts: [shop]}]
`;

/** The files of a user, who has them in a directory. */
export interface ShopFiles extends AsyncDisposable {
  readonly directory: string;
  readonly specification: string;
  /** What all of them say now. */
  contents(): Promise<Readonly<Record<string, string>>>;
}

/** Writes them. */
export async function writeShop(
  namespace: string,
  compose: string = shopCompose,
): Promise<ShopFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'e2e-compose-'));
  const project = join(directory, 'project');
  for (const who of ['web', 'orders', 'worker']) {
    await mkdir(join(project, who, 'cgi-bin'), { recursive: true });
    await writeFile(join(project, who, 'cgi-bin', 'who'), answer(who), { mode: 0o755 });
  }
  await writeFile(join(project, 'docker-compose.yml'), compose);
  await writeFile(join(project, '.env'), 'PRICE=5$$\n');
  const start = new URL('../../playground/demo/postgres.sh', import.meta.url);
  await writeFile(join(project, 'start.sh'), await readFile(start));
  const specification = join(directory, 'shop.yaml');
  await writeFile(specification, shopSpecification(namespace));
  return {
    directory,
    specification,
    async contents() {
      const names = await readdir(directory, { recursive: true, withFileTypes: true });
      const files = names
        .filter((one) => one.isFile())
        .map((one) => join(one.parentPath, one.name));
      const all = await Promise.all(
        files.toSorted().map(async (path) => [path, await readFile(path, 'utf8')] as const),
      );
      return Object.fromEntries(all);
    },
    [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true, force: true }),
  };
}
