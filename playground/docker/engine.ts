import { request } from 'node:http';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { firstLaptop, secondLaptop, type Laptop } from '../addresses.ts';
import { isRunning, logTail, startComponent, stopComponent, waitUntil } from '../component.ts';
import { ensureLaptop } from '../laptops.ts';
import type { Layout } from '../layout.ts';
import { lock } from '../lock.ts';
import { findMachine, runIn } from '../machine.ts';
import { ensureDockerCommand, enginePrograms, type DockerDeps } from './programs.ts';

/** Where a laptop's engine listens, as Docker's command expects it. */
const socket = 'docker.sock';

/** Whether a laptop's command is one that a user types only where Docker runs. */
export function wantsEngine(argv: readonly string[]): boolean {
  const [program = '', ...words] = argv;
  return basename(program) === 'docker' || words.some((word) => word.startsWith('--docker'));
}

/**
 * Starts a Docker Engine on a laptop unless it runs there: a real dockerd with a containerd, networks,
 * rules and files of its own, all inside the laptop's namespaces and the playground's directory.
 */
export async function ensureEngine(
  deps: DockerDeps,
  laptop: Laptop,
  signal: AbortSignal,
): Promise<void> {
  const { layout } = deps;
  const machine = await ensureLaptop(layout, laptop, signal);
  await ensureDockerCommand(deps, laptop, signal);
  if (await answers(layout, laptop)) return;
  await using _held = await lock(`${layout.lock}-docker-${laptop.name}`, {
    signal,
    onWait: () => {},
  });
  if (await answers(layout, laptop)) return;
  const programs = await enginePrograms(deps, signal);
  const own = join(layout.state, laptop.name);
  const files = join(own, 'docker');
  await mkdir(files, { recursive: true });
  deps.progress(`starting a Docker Engine on ${laptop.name}`);
  // A pid file that a killed one left can name another process by now.
  await runIn(machine, ['rm', '-f', '/run/docker.pid'], { signal });
  const name = componentOf(laptop);
  const component = {
    name,
    argv: [
      'sh',
      join(import.meta.dirname, 'in-cgroup.sh'),
      layout.cgroup,
      `dockerd-${laptop.name}`,
      'dockerd',
      `--data-root=${files}`,
      '--exec-root=/run/docker',
      `--host=unix:///run/${socket}`,
      '--pidfile=/run/docker.pid',
      '--storage-driver=overlay2',
      '--exec-opt=native.cgroupdriver=cgroupfs',
      `--cgroup-parent=/${layout.cgroup}/docker-${laptop.name}`,
      '--log-level=warn',
    ],
    env: {
      ...noProxy,
      HOME: join(own, 'home'),
      LD_LIBRARY_PATH: programs.libraries,
      PATH: `${programs.path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      TMPDIR: join(own, 'tmp'),
    },
  };
  await startComponent({ layout, machine }, component, signal);
  const explain = (): Promise<string> => logTail(layout, name);
  await waitUntil('the Docker Engine answers', { seconds: 60, signal, explain }, () =>
    answers(layout, laptop),
  );
}

// The engine pulls nothing; what a machine's proxy is called means nothing on a laptop.
const noProxy = { HTTP_PROXY: '', HTTPS_PROXY: '', http_proxy: '', https_proxy: '' } as const;

/** Ends a laptop's engine, or kills it; its containers end with an orderly end only. */
export async function stopEngine(
  layout: Layout,
  laptop: Laptop,
  options: { readonly kill: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const { kill, signal } = options;
  const machine = await findMachine(layout, laptop.name);
  const deps = machine === undefined ? undefined : { layout, machine };
  const name = componentOf(laptop);
  if (deps === undefined || !(await isRunning(deps, name, signal))) return;
  if (kill) {
    await runIn(deps.machine, ['sh', '-c', 'kill -9 "$(cat /run/docker.pid)"'], { signal });
  } else {
    await runIn(deps.machine, ['sh', '-c', 'kill "$(cat /run/docker.pid)"'], { signal });
    await waitUntil('the Docker Engine ends', { seconds: 30, signal }, async () => {
      return !(await isRunning(deps, name, signal));
    });
  }
  await stopComponent(deps, name, signal);
}

/** The laptops with an engine. */
export async function engines(layout: Layout): Promise<readonly Laptop[]> {
  const found: Laptop[] = [];
  for (const laptop of [firstLaptop, secondLaptop]) {
    if (await answers(layout, laptop)) found.push(laptop);
  }
  return found;
}

/** Its files are the laptop's, so its log and pid are told from the cluster's. */
const componentOf = (laptop: Laptop): string => `dockerd@${laptop.name}`;

/** Asked from outside: a laptop's /run is a directory of the playground. */
function answers(layout: Layout, laptop: Laptop): Promise<boolean> {
  const socketPath = join(layout.state, laptop.name, 'run', socket);
  const answered = Promise.withResolvers<boolean>();
  const ask = request({ socketPath, path: '/_ping', timeout: 2000 }, (response) => {
    response.resume();
    answered.resolve(response.statusCode === 200);
  });
  ask.on('error', () => answered.resolve(false));
  ask.on('timeout', () => ask.destroy());
  ask.end();
  return answered.promise;
}
