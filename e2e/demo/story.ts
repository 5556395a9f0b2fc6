import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '#base/errors.ts';
import type { Site } from './site.ts';

class DemoError extends CodedError<'NotAsTold'> {}

interface StoryDeps {
  readonly site: Site;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const handlerPort = '5000';
const handler = new URL('handler.mjs', import.meta.url).pathname;

/** What the demo tells, step by step; each step checks that it is so. */
export async function tellStory(deps: StoryDeps): Promise<void> {
  const { say, site } = deps;
  await using cleanup = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'telepresence-demo-'));
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  const environmentFile = join(directory, 'graphql.env');

  say('\n# Install the traffic-manager');
  await shown(deps, ['helm', 'install', ...site.installFlags]);

  say('\n# Connect the laptop: cluster names work in every program');
  cleanup.defer(async () => {
    await telepresence(deps, ['quit', '-s'], true);
  });
  await shown(deps, ['connect', '--namespace', 'demo', ...site.clusterFlags]);
  expect(await laptopCurl(deps, 'http://hello'), /Request served by hello-/, 'hello by its name');
  expect(await laptopCurl(deps, 'http://web.demo/'), /^web /, 'web.demo by its longer name');
  await shown(deps, ['list']);

  say('\n# A request inside the cluster is answered by the cluster');
  expect(await insideRequest(deps), /graphql-/, 'the pod answers');

  say('\n# Intercept graphql: its traffic and environment come to the laptop');
  const envFile = ['--env-file', environmentFile];
  await shown(deps, ['intercept', 'graphql', '--port', handlerPort, ...envFile]);
  {
    await using running = await startHandler(deps, environmentFile);
    await shown(deps, ['status']);
    say('\n# The same request inside the cluster is answered by the laptop,');
    say("# which reads the cluster's PostgreSQL and Redis by their names");
    expect(
      await insideRequest(deps),
      /answered by the laptop for graphql: 3 todos in PostgreSQL, visit \d+ in Redis/,
      'the laptop answers',
    );
    await shown(deps, ['leave', 'graphql']);
    running.stop();
  }

  say('\n# Left: the cluster answers again');
  expect(await insideRequest(deps), /graphql-/, 'the pod answers again');
  await shown(deps, ['quit', '-s']);
  await shown(deps, ['helm', 'uninstall', ...site.clusterFlags]);
}

/** Asks, from a pod of the application, which instance of graphql answers. */
async function insideRequest(deps: StoryDeps): Promise<string> {
  const body = JSON.stringify({ query: '{ answeredBy }' });
  const ask = `timeout 5 wget -qO- --header 'Content-Type: application/json' --post-data '${body}' http://graphql/graphql`;
  deps.say(`web-pod$ ${ask}`);
  const { stdout } = await deps.site.kubectl(
    ['exec', '--namespace', 'demo', 'deployment/web', '--', 'sh', '-c', ask],
    { signal: deps.signal },
  );
  deps.say(stdout.trimEnd());
  return stdout;
}

async function laptopCurl(deps: StoryDeps, url: string): Promise<string> {
  deps.say(`laptop$ curl ${url}`);
  const { stdout } = await deps.site.laptop(['curl', '-sS', '--max-time', '10', url], deps);
  deps.say(stdout.split('\n')[0] ?? '');
  return stdout;
}

function telepresence(deps: StoryDeps, args: readonly string[], mayFail = false) {
  // What cleans up must run although the demo was interrupted.
  const signal = mayFail ? AbortSignal.timeout(20_000) : deps.signal;
  return deps.site.laptop(['telepresence', ...args], { signal, mayFail });
}

async function shown(deps: StoryDeps, args: readonly string[]): Promise<void> {
  deps.say(`laptop$ telepresence ${args.join(' ')}`);
  const { stdout } = await telepresence(deps, args);
  deps.say(stdout.trimEnd());
}

function expect(text: string, pattern: RegExp, what: string): void {
  if (pattern.test(text)) return;
  throw new DemoError('NotAsTold', `${what}: expected ${String(pattern)}, got: ${text.trim()}`);
}

/** Starts the developer's program on the laptop; it has ended when this is disposed. */
async function startHandler(
  deps: StoryDeps,
  environmentFile: string,
): Promise<AsyncDisposable & { stop(): void }> {
  const node = process.execPath;
  deps.say(`laptop$ node --env-file=graphql.env handler.mjs ${handlerPort} &`);
  const command = await deps.site.laptopCommand([
    node,
    `--env-file=${environmentFile}`,
    handler,
    handlerPort,
  ]);
  const [file = '', ...args] = command.argv;
  const child = spawn(file, args, { env: command.env, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = (): void => void child.kill('SIGTERM');
  deps.signal.addEventListener('abort', stop, { once: true });
  await firstLine(child, deps.signal);
  return {
    stop,
    async [Symbol.asyncDispose]() {
      deps.signal.removeEventListener('abort', stop);
      if (child.exitCode !== null || child.signalCode !== null) return;
      stop();
      await once(child, 'exit');
    },
  };
}

async function firstLine(child: ChildProcess, signal: AbortSignal): Promise<void> {
  if (child.stdout === null) return;
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(() => {
    throw new DemoError('NotAsTold', 'the program on the laptop ended at once');
  });
  await Promise.race([once(lines, 'line', { signal }), ended]);
  ended.catch(() => {});
}
