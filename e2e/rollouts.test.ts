// Argo's Rollouts, by Argo's own controller: a canary with two Services on one set of pods.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startArgo } from './argo/controller.ts';
import { eventually } from './eventually.ts';
import { startHandler, type Handler } from './handler.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { installFlags, prepare } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';

const namespace = 'e2e-rollouts';
const name = 'echo-rollout';
const owned = new AsyncDisposableStack();
let laptop: Handler;

before(async () => {
  await prepare();
  owned.use(await createNamespace(namespace));
  owned.use(await startArgo(namespace));
  laptop = owned.use(await startHandler('laptop'));
  const ports = [{ port: 80, targetPort: 'http' }];
  await apply(
    helloApp({
      namespace,
      name,
      kind: 'Rollout',
      services: { 'echo-stable': ports, 'echo-canary': ports },
      spec: {
        replicas: 2,
        strategy: { canary: { stableService: 'echo-stable', canaryService: 'echo-canary' } },
      },
    }),
  );
  await healthy();
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await owned.disposeAsync();
});

/** Waits until Argo calls it so, for its present template, with both pods available. */
async function healthy(): Promise<void> {
  await eventually('the Rollout is healthy', 90_000, async () => {
    const words = '{.status.phase} {.status.availableReplicas} {.status.updatedReplicas}';
    const where = ['-n', namespace, 'get', 'rollout', name, '-o'];
    assert.equal(await kubectl(...where, `jsonpath=${words}`), 'Healthy 2 2');
  });
}

async function setRollouts(enabled: boolean): Promise<void> {
  const value = ['--set', `workloads.argoRollouts.enabled=${String(enabled)}`];
  await telepresence(['helm', 'upgrade', ...installFlags, ...value], { deadlineMs: 120_000 });
}

async function ask(): Promise<string> {
  return (await onLaptop(['curl', '-s', '--max-time', '5', 'http://echo-stable/'])).stdout;
}

async function answers(expected: RegExp): Promise<void> {
  await eventually(`the stable Service answers ${String(expected)}`, 20_000, async () => {
    assert.match(await ask(), expected);
  });
}

async function names(kind: string): Promise<string[]> {
  const where = ['-n', namespace, 'get', kind, '-o', 'name', '--sort-by=.metadata.name'];
  return (await kubectl(...where)).trim().split('\n');
}

test('where Helm does not allow Rollouts, their ReplicaSets can be intercepted', async () => {
  await telepresence(['connect', '--namespace', namespace], { deadlineMs: 60_000 });
  const set = (await names('replicasets'))[0]?.split('/')[1] ?? '';
  assert.match(set, /^echo-rollout-[a-z0-9]+$/);
  const { stdout: listed } = await telepresence(['list']);
  assert.match(listed, new RegExp(`^${set} *: ready to intercept`, 'm'));
  const several = await telepresence(['intercept', set], { mayFail: true });
  assert.match(several.stderr, /echo-canary.*echo-stable|echo-stable.*echo-canary/);
  await telepresence(['quit']);
});

test('a Rollout: its pods get their agent by Argo’s own rolling, and go on to the app afterwards', async () => {
  await setRollouts(true);
  try {
    await telepresence(['connect', '--namespace', namespace], { deadlineMs: 60_000 });
    await eventually('it is listed, and its ReplicaSets are not', 20_000, async () => {
      const { stdout } = await telepresence(['list']);
      assert.equal(stdout, `${name}: ready to intercept (traffic-agent not yet installed)\n`);
    });
    const port = String(laptop.port);
    const argv = ['intercept', name, '--service', 'echo-stable', '--port', port];
    const { stdout } = await telepresence(argv, { deadlineMs: 90_000 });
    assert.match(stdout, /^Using Rollout echo-rollout$/m);
    assert.match(stdout, /^ +Workload kind +: Rollout$/m);
    await answers(/laptop/);
    // Argo goes on with what it was at.
    await healthy();
    await answers(/laptop/);
    await kubectl('-n', namespace, 'scale', 'rollout', name, '--replicas=3');
    await eventually('the third pod has an agent', 60_000, async () => {
      const path = '{.items[*].status.initContainerStatuses[*].ready}';
      const ready = await kubectl('-n', namespace, 'get', 'pods', '-o', `jsonpath=${path}`);
      assert.match(ready, /true true true/);
    });
    // One that is ready before the manager has seen it is the app's until it is told.
    await eventually('all pods are the laptop’s', 20_000, async () => {
      for (let time = 0; time < 20; time += 1) assert.match(await ask(), /laptop/);
    });
    await telepresence(['leave', name]);
    await answers(/^app echo-rollout-/);
    await telepresence(['uninstall', name], { deadlineMs: 60_000 });
    await eventually('the agents are gone', 60_000, async () => {
      const path = '{.items[*].spec.initContainers[*].name}';
      assert.equal(await kubectl('-n', namespace, 'get', 'pods', '-o', `jsonpath=${path}`), '');
    });

    // One whose template is a Deployment's is refused in words.
    const deployment = helloApp({ namespace, name: 'base', spec: { replicas: 0 } });
    const rollout = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { namespace, name: 'borrowed' },
      spec: {
        replicas: 1,
        workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'base' },
        strategy: { canary: {} },
        selector: { matchLabels: { app: 'base' } },
      },
    };
    await apply(`${deployment}\n---\n${JSON.stringify(rollout)}`);
    await eventually('it is known', 20_000, async () => {
      const { stdout: all } = await telepresence(['list', '--only-interceptable=false']);
      assert.match(all, /^borrowed +: not interceptable .*workloadRef/m);
    });
    const { status, stderr } = await telepresence(['intercept', 'borrowed'], { mayFail: true });
    assert.equal(status, 1);
    assert.match(stderr, /Rollout borrowed has its pod template from another workload/);
    await telepresence(['quit']);
  } finally {
    await setRollouts(false);
  }
});
