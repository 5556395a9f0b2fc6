import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Specification } from '#spec/specification.ts';
import { recordingContext } from '../../testing.fixture.ts';
import { agree } from './agree.ts';
import { whatItRuns } from './what-it-runs.ts';
import { parseFetched } from './parse-fetched.ts';

const from = { name: 'echo-spec', namespace: 'shop', context: 'dev' };

const object = {
  apiVersion: 'getambassador.io/v1alpha4',
  kind: 'InterceptSpecification',
  metadata: { name: 'echo-spec' },
  spec: {
    connection: { namespace: 'shop' },
    prerequisites: [{ create: 'build' }],
    workloads: [{ name: 'echo', intercepts: [{ handler: 'serve', global: true }] }],
    handlers: [
      { name: 'build', script: { run: 'make\n\u001b[2K\u202ehidden', shell: 'bash' } },
      {
        name: 'serve',
        environment: [{ name: 'WHO', value: '{{ "who" | upper }}' }],
        docker: { image: 'img', options: ['-v', '/:/host'], command: 'sh', args: ['-c', 'x'] },
      },
      { name: 'unused', script: { run: 'rm -rf /' } },
    ],
  },
};

function specification(changes: Readonly<Record<string, unknown>> = {}): Specification {
  const { context } = recordingContext();
  const spec = { ...object.spec, ...changes };
  const { parsed } = parseFetched(context, { ...from, object: { ...object, spec } });
  assert.ok('specification' in parsed, JSON.stringify(parsed));
  return parsed.specification;
}

async function asked(
  answer: string,
  changes: {
    readonly interactive?: boolean;
    readonly yes?: boolean;
    readonly specification?: Specification;
  } = {},
): Promise<{ readonly lines: readonly string[]; readonly refused: string | undefined }> {
  const { context, lines } = recordingContext();
  const { interactive = true, yes = false } = changes;
  const ask = async (question: string): Promise<string> => {
    lines.push(question);
    return await Promise.resolve(answer);
  };
  try {
    const shown = changes.specification ?? specification();
    await agree({ ...context, interactive, ask }, from, shown, { yes });
    return { lines, refused: undefined };
  } catch (error) {
    return { lines, refused: error instanceof Error ? error.message : String(error) };
  }
}

test('a specification from the cluster is shown before it is run, and nothing in it can hide', async () => {
  const { lines, refused } = await asked('y');
  assert.equal(refused, undefined);
  assert.deepEqual(lines, [
    '! The specification echo-spec comes from the namespace shop of the context dev. On this machine:',
    '!   connects in the namespace shop',
    '!   intercepts echo for serve -> 127.0.0.1, at the usual port',
    '!   build (before all else): a script for bash',
    '!       make',
    '!       \\u{1b}[2K\\u{202e}hidden',
    '!   serve (while it lasts): a container of the image img',
    '!       docker run: -v /:/host',
    '!       its command: sh -c x',
    '!       with the environment',
    '!         WHO=WHO',
    'Run it? [y/N] ',
  ]);
});

test('where traffic is led is shown, and all that is said of connections', () => {
  const changed = specification({
    connections: [
      {
        name: 'dev',
        context: 'dev',
        as: 'bob',
        asGroups: ['admins', 'others'],
        managerNamespace: 'ambassador',
        alsoProxy: ['192.168.0.0/16'],
        allowConflictingSubnets: ['192.168.1.0/24'],
        expose: ['80:8080'],
        hostname: 'laptop',
      },
      { name: 'bare' },
    ],
    connection: undefined,
    prerequisites: [],
    workloads: [
      {
        name: 'dev/echo',
        namespace: 'shop',
        intercepts: [
          {
            name: 'one',
            handler: 'nobody',
            service: 'web',
            port: 'http',
            localAddress: '192.168.1.1',
            localPort: 443,
            mountPoint: '/home\u202e',
            replace: true,
          },
          { name: 'two', handler: 'nobody', enabled: false },
          { name: 'three', handler: 'services', port: 81, localPort: 81, mountPoint: false },
        ],
      },
    ],
    handlers: [
      { name: 'nobody' },
      { name: 'services', docker: { compose: { context: '.' }, ports: [5005] } },
    ],
  });
  assert.deepEqual(whatItRuns(changed), [
    'connects by the name dev to the context dev as bob',
    '    asGroups: admins, others',
    '    managerNamespace: ambassador',
    '    alsoProxy: 192.168.0.0/16',
    '    allowConflictingSubnets: 192.168.1.0/24',
    '    expose: 80:8080',
    '    hostname: laptop',
    'connects by the name bare',
    'intercepts echo:http of the Service web in the namespace shop over the connection dev for nobody -> 192.168.1.1:443, its container does not run meanwhile, files at /home\\u{202e}',
    'intercepts echo:81 in the namespace shop over the connection dev for services -> 127.0.0.1:81, files nowhere',
    'nobody (while it lasts): nothing is run',
    'services (while it lasts): services of Docker Compose',
    '    {',
    '      "context": ".",',
    '      "services": []',
    '    }',
    '    published ports: 5005',
  ]);
});

test('what is too long for a screen is said to be so, right before the question', async () => {
  const run = Array.from({ length: 30 }, (_, at) => `echo ${String(at)}`).join('\n');
  const handlers = [object.spec.handlers[0], { name: 'serve', script: { run } }];
  const { lines } = await asked('y', { specification: specification({ handlers }) });
  assert.deepEqual(lines.slice(-2), [
    '! These are 36 lines, the first of them perhaps out of sight; all of it: kubectl get ispec echo-spec --namespace shop --output yaml',
    'Run it? [y/N] ',
  ]);
});

test('only yes is yes', async () => {
  for (const yes of ['y', 'Y', ' yes ']) assert.equal((await asked(yes)).refused, undefined);
  for (const no of ['', 'n', 'no', 'yesno', 'ja']) {
    assert.equal((await asked(no)).refused, 'the specification echo-spec is not run');
  }
});

test('without a terminal it is refused, and --yes asks nobody', async () => {
  const { lines, refused } = await asked('y', { interactive: false });
  assert.deepEqual(lines, []);
  assert.match(refused ?? '', /can only be asked on a terminal/);
  const agreed = await asked('', { interactive: false, yes: true });
  assert.deepEqual(agreed, { lines: [], refused: undefined });
});

test('a template of the cluster reads nothing of this machine, and its field is named', () => {
  const { context } = recordingContext();
  const spec = {
    ...object.spec,
    handlers: [{ name: 'serve', script: { run: '{{ env "HOME" }}' } }],
  };
  const { parsed } = parseFetched(context, { ...from, object: { ...object, spec } });
  assert.ok('problems' in parsed);
  assert.equal(parsed.problems[0]?.field, 'spec.handlers[0].script.run');
  assert.match(parsed.problems[0]?.message ?? '', /env is not available/);
});
