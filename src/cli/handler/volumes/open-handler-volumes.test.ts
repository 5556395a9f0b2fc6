import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { DockerCommand } from '#docker/command.ts';
import { ServedFilesSchema } from '#protocol/gen/telepresence_pb.ts';
import { openHandlerVolumes } from './open-handler-volumes.ts';
import type { VolumePlan } from './plan-volumes.ts';

const { signal } = new AbortController();
const files = create(ServedFilesSchema, {
  address: '192.168.231.2',
  port: 4711,
  token: 'ab'.repeat(32),
  mounts: ['/etc/app', '/data'],
  small: ['/etc/app'],
  readOnlyMounts: ['/etc/app'],
});

/** An engine that has volumes, and whose copying container leaves out what it is told to. */
function fakeDocker(
  there: Map<string, string>,
  leftOut: readonly string[] = [],
): { readonly docker: DockerCommand; readonly ran: string[] } {
  const ran: string[] = [];
  const run: DockerCommand['run'] = async (args) => {
    ran.push(args.join(' '));
    const name = args.at(-1) ?? '';
    const done = (stdout: string, status = 0) => ({ status, stdout, stderr: '' });
    if (args[1] === 'inspect') {
      const label = there.get(name);
      return label === undefined ? done('', 1) : done(`${label}\n`);
    }
    if (args[0] === 'run') return done(JSON.stringify(leftOut));
    const mine = args.find((word) => word.startsWith('--label=telepresence.handler='));
    // As Docker does: the old one, and nothing is said.
    if (!there.has(name)) there.set(name, mine?.split('=').at(-1) ?? '');
    return done(name);
  };
  return { docker: { path: 'docker', env: {}, run }, ran };
}

const plan: VolumePlan = {
  serveOn: '192.168.231.2',
  readOnly: false,
  root: '/',
  driver: 'telepresence/telemount:amd64-1',
  sandbox: 'tp-a',
  image: 'ours:1',
};
const labels = ['telepresence.handler=mine', 'telepresence.connection=a'];
const wanted = { plan, files, container: 'app', labels, taken: new Set<string>() };
const randomName = (): string => 'ff00';

test('a volume for each of the pod’s; a name that is another’s is left to it', async () => {
  const there = new Map([['app-1', 'somebody else’s']]);
  const { docker, ran } = fakeDocker(there);
  const { args, note } = await openHandlerVolumes({ docker, signal, randomName }, wanted);
  assert.deepEqual(args, ['-v', 'app-0:/etc/app:ro,nocopy', '-v', 'app-1-ff00:/data:nocopy']);
  assert.equal(note, undefined);
  assert.deepEqual(
    [...there],
    [
      ['app-1', 'somebody else’s'],
      ['app-0', 'mine'],
      ['app-1-ff00', 'mine'],
    ],
  );
  assert.match(ran[0] ?? '', /--opt=dir=\/etc\/app .*--label=telepresence.connection=a app-0$/);
});

test('below another directory, and not where the user mounts something of his own', async () => {
  const { docker } = fakeDocker(new Map());
  const below = { ...wanted, plan: { ...plan, root: '/pod' }, taken: new Set(['/pod/data']) };
  const { args } = await openHandlerVolumes({ docker, signal, randomName }, below);
  assert.deepEqual(args, ['-v', 'app-0:/pod/etc/app:ro,nocopy']);
});

test('without a plugin copies of what is small, and a sentence that says so', async () => {
  const lacking = { ...wanted, plan: { ...plan, driver: { lacks: 'no plugins here' } } };
  const { docker, ran } = fakeDocker(new Map());
  const { args, note } = await openHandlerVolumes({ docker, signal, randomName }, lacking);
  assert.deepEqual(args, ['-v', 'app-0:/etc/app:ro,nocopy']);
  assert.match(
    note ?? '',
    /^the container has read-only copies .*, and not \/data: no plugins here$/,
  );
  assert.equal(ran.filter((line) => line.startsWith('run ')).length, 2);
  assert.ok(ran.every((line) => !line.includes(files.token)));
  const none = fakeDocker(new Map(), ['/etc/app']);
  const failed = await openHandlerVolumes({ ...none, signal, randomName }, lacking);
  assert.deepEqual(failed, {
    volumes: [],
    args: [],
    note: "the container has none of the pod's volumes: no plugins here",
  });
});

test('an engine that does not say whose volumes are whose is not asked for ever', async () => {
  const { docker, ran } = fakeDocker(new Map());
  const forgetful: DockerCommand = {
    ...docker,
    run: async (args, options) => {
      const done = await docker.run(args, options);
      return args[1] === 'inspect' ? { ...done, stdout: '\n' } : done;
    },
  };
  const deps = { docker: forgetful, signal, randomName };
  await assert.rejects(openHandlerVolumes(deps, wanted), /no volume of its own/);
  assert.ok(ran.length <= 10);
  const gone: DockerCommand = {
    ...docker,
    run: async (args, options) => {
      if (args[1] !== 'inspect') return await docker.run(args, options);
      if (options.mayFail === true) return { status: 1, stdout: '', stderr: 'no such volume' };
      throw new Error('no such volume');
    },
  };
  await assert.rejects(openHandlerVolumes({ ...deps, docker: gone }, wanted), /no such volume/);
});
