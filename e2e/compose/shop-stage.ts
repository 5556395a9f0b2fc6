import assert from 'node:assert/strict';
import { buildBusybox } from '../docker/busybox-image.ts';
import { makeImageParts } from '../docker/laptop-docker.ts';
import { loadServerImages } from '../docker/server-images.ts';
import { eventually } from '../eventually.ts';
import { helloApp } from '../hello-app.ts';
import { createNamespace } from '../namespace.ts';
import { prepare, rollOut } from '../prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from '../run.ts';

/** The same shop in the cluster, and a connection in a container to it. */
export interface ShopStage extends AsyncDisposable {
  /** What a pod of the cluster is answered. */
  askInCluster(url: string): Promise<string>;
  /** What a shell in a container of the project prints. */
  inService(service: string, ...argv: readonly string[]): Promise<string>;
  /** Nothing of the project on the laptop but the user's own volumes; and no intercept. */
  nothingIsLeft(): Promise<void>;
}

/** Puts it there. */
export async function shopStage(namespace: string, project = 'project'): Promise<ShopStage> {
  await using made = new AsyncDisposableStack();
  await prepare();
  await makeImageParts();
  await telepresence(['quit', '-s'], { mayFail: true });
  await buildBusybox();
  await loadServerImages();
  made.use(await createNamespace(namespace));
  const settings = { namespace, name: 'settings' };
  await apply(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: settings,
      data: { color: 'from-the-pod' },
    }),
  );
  for (const name of ['shop', 'orders', 'login', 'cache']) {
    await apply(helloApp({ namespace, name }));
  }
  await kubectl('set', 'env', '-n', namespace, 'deployment/shop', 'COLOR=blue', 'SIZE=pods');
  await kubectl('set', 'env', '-n', namespace, 'deployment/orders', 'COLOR=red');
  const mounted = [
    {
      op: 'add',
      path: '/spec/template/spec/volumes/-',
      value: { name: 'settings', configMap: { name: 'settings' } },
    },
    {
      op: 'add',
      path: '/spec/template/spec/containers/0/volumeMounts/-',
      value: { name: 'settings', mountPath: '/etc/settings' },
    },
  ];
  const patch = ['patch', '-n', namespace, 'deployment/shop', '--type=json', '-p'];
  await kubectl(...patch, JSON.stringify(mounted));
  const pod = ['--image=playground/busybox:1', '--', 'sleep', '3600'];
  await kubectl('run', 'asking', '-n', namespace, ...pod);
  await rollOut(namespace);
  await kubectl('wait', '-n', namespace, '--for=condition=Ready', 'pod/asking', '--timeout=60s');
  const connect = ['connect', '--docker', '--name', namespace, '--namespace', namespace];
  made.defer(async () => void (await telepresence(['quit', '-s'], { mayFail: true })));
  await telepresence(connect, { deadlineMs: 180_000 });
  made.defer(async () => {
    await onLaptop(['docker', 'volume', 'rm', `${project}_pgdata`], { mayFail: true });
  });
  const volumes = async (): Promise<readonly string[]> => {
    const all = (await onLaptop(['docker', 'volume', 'ls', '--quiet'])).stdout.split('\n');
    return all.filter((name) => name !== '' && !name.startsWith(`${project}_`)).toSorted();
  };
  const before = await volumes();
  const owned = made.move();
  return {
    async askInCluster(url) {
      const asked = ['timeout', '10', 'wget', '-q', '-O', '-', url];
      return (await kubectl('exec', '-n', namespace, 'asking', '--', ...asked)).trim();
    },
    async inService(service, ...argv) {
      const container = `${project}-${service}-1`;
      return (await onLaptop(['docker', 'exec', container, ...argv])).stdout.trim();
    },
    async nothingIsLeft() {
      const ofProject = `--filter=label=com.docker.compose.project=${project}`;
      for (const list of [
        ['ps', '--all', ofProject],
        ['network', 'ls', ofProject],
        ['ps', '--all', '--filter=label=telepresence.handler'],
        ['network', 'ls', '--filter=label=telepresence.handler'],
        ['volume', 'ls', '--filter=label=telepresence.handler'],
      ]) {
        await eventually(`nothing of docker ${list.join(' ')}`, 30_000, async () => {
          assert.equal((await onLaptop(['docker', ...list, '--quiet'])).stdout, '');
        });
      }
      await eventually('no volume is left that nobody has named', 10_000, async () => {
        assert.deepEqual(await volumes(), before);
      });
      await eventually('no process is left', 20_000, async () => {
        const found = await onLaptop(
          ['pgrep', '-fa', 'handler-watch --id|docker-compose compose|docker compose'],
          {
            mayFail: true,
          },
        );
        assert.equal(found.stdout, '');
      });
      const script = 'ls -R "$XDG_RUNTIME_DIR/telepresence/handlers"';
      assert.doesNotMatch((await onLaptop(['sh', '-c', script])).stdout, /run-/);
      const { stdout } = await telepresence(['list', '-i', '--use', namespace]);
      assert.match(stdout, /No Workloads/);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
