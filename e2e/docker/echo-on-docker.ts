import assert from 'node:assert/strict';
import { eventually } from '../eventually.ts';
import { helloApp } from '../hello-app.ts';
import { createNamespace } from '../namespace.ts';
import { prepare, rollOut } from '../prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from '../run.ts';
import { startTelepresence, type UnderWay } from '../under-way.ts';
import { makeGuideImages } from './guide-images.ts';
import { makeImageParts } from './laptop-docker.ts';

/** The guide's workload `echo-easy`, and a connection in a container to its namespace. */
export interface EchoOnDocker extends AsyncDisposable {
  readonly namespace: string;
  /** Ours, which the connection runs in. */
  readonly image: string;
  /** `intercept echo-easy --port 8080:80 --docker-run --` */
  readonly intercept: readonly string[];
  /** An intercept whose container answers; these are the words after `--`. */
  start(...words: readonly string[]): Promise<UnderWay>;
  /** The same with a line of its own. */
  startLine(line: readonly string[]): Promise<UnderWay>;
  /** Who answers a pod of the cluster, for this Service or for `echo-easy`. */
  askInCluster(host?: string): Promise<string>;
  /** What lies on the laptop for handlers. */
  files(): Promise<string>;
  /** Nothing of a handler on the laptop: containers, volumes, images, files, processes; and no intercept. */
  nothingIsLeft(): Promise<void>;
}

/** Makes them. */
export async function echoOnDocker(options: {
  /** Of the connection, and of the namespace. */
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
}): Promise<EchoOnDocker> {
  const { name, environment } = options;
  const namespace = name;
  await using made = new AsyncDisposableStack();
  await prepare();
  await makeImageParts();
  await telepresence(['quit', '-s'], { mayFail: true });
  made.use(await createNamespace(namespace));
  const ports = [{ name: 'proxied', port: 80, targetPort: 8080 }];
  await apply(helloApp({ namespace, name: 'echo-easy', services: { 'echo-easy': ports } }));
  const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
  if (variables.length > 0) {
    await kubectl('set', 'env', '-n', namespace, 'deployment/echo-easy', ...variables);
  }
  const pod = ['--image=playground/busybox:1', '--', 'sleep', '3600'];
  await kubectl('run', 'asking', '-n', namespace, ...pod);
  await rollOut(namespace);
  const connect = ['connect', '--docker', '--name', name, '--namespace', namespace];
  made.defer(async () => void (await telepresence(['quit', '-s'], { mayFail: true })));
  await telepresence(connect, { deadlineMs: 180_000 });
  const format = ['-f', '{{.Config.Image}}', `tp-${name}`];
  const image = (await onLaptop(['docker', 'inspect', ...format])).stdout.trim();
  await makeGuideImages(image);
  await kubectl('wait', '-n', namespace, '--for=condition=Ready', 'pod/asking', '--timeout=60s');
  const intercept = ['intercept', 'echo-easy', '--port', '8080:80', '--docker-run', '--'];
  const startLine = async (line: readonly string[]): Promise<UnderWay> => {
    const command = await startTelepresence(line);
    await command.prints(/Echo server listening on port 8080\.\n/);
    return command;
  };
  const files = async (): Promise<string> =>
    (await onLaptop(['sh', '-c', 'ls -R "$XDG_RUNTIME_DIR/telepresence/handlers"'])).stdout;
  const owned = made.move();
  return {
    namespace,
    image,
    intercept,
    startLine,
    start: async (...words) => await startLine([...intercept, ...words]),
    async askInCluster(host = 'echo-easy') {
      const wget = ['wget', '-q', '-O', '-', `http://${host}/from-the-cluster`];
      return await kubectl('exec', '-n', namespace, 'asking', '--', 'timeout', '10', ...wget);
    },
    files,
    async nothingIsLeft() {
      const label = '--filter=label=telepresence.handler';
      for (const list of [
        ['ps', '--all'],
        ['volume', 'ls'],
        ['image', 'ls'],
      ]) {
        const { stdout } = await onLaptop(['docker', ...list, '--quiet', label]);
        assert.equal(stdout, '', list.join(' '));
      }
      assert.doesNotMatch(await files(), /run-/);
      // It ends by itself: told that all is done, or having looked until nothing came any more.
      await eventually('no watcher is left', 20_000, async () => {
        const found = await onLaptop(['pgrep', '-f', 'handler-watch --id'], { mayFail: true });
        assert.equal(found.stdout, '');
      });
      const { stdout } = await telepresence(['list', '-i', '--use', name]);
      assert.match(stdout, /No Workloads/);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
