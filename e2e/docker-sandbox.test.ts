/** The network that a daemon's container is in: its ports on the laptop, its name, its subnet, and what `docker ps` shows. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as v from 'valibot';
import { version } from '#base/version.ts';
import { makeImageParts } from './docker/laptop-docker.ts';
import { eventually } from './eventually.ts';
import { prepare } from './prepare.ts';
import { onLaptop, telepresence } from './run.ts';

const name = 'e2e-sandbox';
const sandbox = `tp-${name}`;
const other = 'e2e-sandbox-two';
const network = 'telepresence';
const image = `telepresence/telepresence:${version}`;
const deadlineMs = 180_000;

const status = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    daemon: v.object({
      daemon_port: v.number(),
      hostname: v.optional(v.string()),
      exposedPorts: v.optional(v.array(v.string())),
      virtual_subnets: v.optional(v.array(v.unknown())),
      subnets: v.array(v.string()),
    }),
  }),
);

const connect = (called: string, ...more: readonly string[]): ReturnType<typeof telepresence> =>
  telepresence(['connect', '--docker', '--name', called, '--namespace', 'demo', ...more], {
    mayFail: true,
    deadlineMs,
  });
const docker = async (...args: readonly string[]): Promise<string> =>
  (await onLaptop(['docker', ...args])).stdout.trim();
const subnetNow = (): Promise<string> =>
  docker('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', network);
const read = async () =>
  v.parse(status, (await telepresence(['status', '--output', 'json'])).stdout).daemon;
const left = async (): Promise<string> => {
  const labelled = ['--filter', 'label=telepresence.laptop', '--format', '{{.ID}}'];
  return `${await docker('ps', '-a', ...labelled)}${await docker('network', 'ls', ...labelled)}`;
};

before(async () => {
  await prepare();
  await makeImageParts();
  await telepresence(['quit', '-s'], { mayFail: true });
  await onLaptop(['docker', 'network', 'rm', network], { mayFail: true });
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await onLaptop(['docker', 'network', 'rm', network], { mayFail: true });
});

test('what is of a container is refused without one, and so is what is no port or name', async () => {
  for (const [words, says] of [
    [
      ['--expose', '8080:80'],
      /^telepresence connect: error: --expose is of a daemon in a container\nadd --docker/,
    ],
    [['--hostname', 'a'], /error: --hostname is of a daemon in a container\n/],
    [
      ['--docker', '--expose', 'http'],
      /error: invalid argument "http" for "--expose": it is a port/,
    ],
    [['--docker', '--hostname', 'a_b'], /error: invalid argument "a_b" for "--hostname"/],
  ] as const) {
    const { status: code, stderr } = await telepresence(['connect', ...words], { mayFail: true });
    assert.match(stderr, says);
    assert.equal(code, 1);
  }
  assert.equal(await left(), '');
});

test('a port that is in use on this machine is named, and nothing is left', async () => {
  await docker(
    'run',
    '-d',
    '--rm',
    '--name=e2e-holder',
    '-p',
    '127.0.0.1:18080:80',
    '--entrypoint=pause',
    image,
  ).catch(async () => {
    // The first one ever: the image is made by a connection.
    await connect(name);
    await telepresence(['quit']);
    await docker(
      'run',
      '-d',
      '--rm',
      '--name=e2e-holder',
      '-p',
      '127.0.0.1:18080:80',
      '--entrypoint=pause',
      image,
    );
  });
  try {
    const { status: code, stderr } = await connect(name, '--expose', '18080:80');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^telepresence connect: error: port \S*:18080 of this machine is in use\nchoose another/,
    );
    assert.equal(await left(), '');
  } finally {
    await docker('rm', '-f', 'e2e-holder');
  }
});

test('a name that somebody else’s container has: that is said, and it goes on', async () => {
  for (const taken of [sandbox, `${sandbox}-daemon`]) {
    await docker('run', '-d', `--name=${taken}`, '--entrypoint=pause', image);
    try {
      const { status: code, stderr } = await connect(name);
      assert.equal(code, 1);
      const says = `telepresence connect: error: there is a container ${taken} already\ngive`;
      assert.match(stderr, new RegExp(`^${says}`));
      assert.equal(await docker('inspect', '-f', '{{.State.Running}}', taken), 'true');
    } finally {
      await docker('rm', '-f', taken);
    }
    assert.equal(await left(), '');
  }
});

test('ports of its network are on this machine, it has its name, and docker ps shows what the guide shows', async () => {
  const { stderr } = await connect(
    name,
    '--expose',
    '18080:8080',
    '--expose',
    '127.0.0.1:18053:53/udp',
    '--hostname',
    'my-laptop',
  );
  assert.equal(stderr, '');
  const found = await read();
  assert.equal(found.hostname, 'my-laptop');
  assert.deepEqual(found.exposedPorts, ['18080:8080', '127.0.0.1:18053:53/udp']);
  const text = (await telepresence(['status'])).stdout;
  assert.match(text, /^ {2}Hostname +: my-laptop$/m);
  assert.match(text, /^ {2}Exposed ports +: \[18080:8080 127\.0\.0\.1:18053:53\/udp\]$/m);
  const serve = `require('http').createServer((_, out) => out.end(require('os').hostname())).listen(8080)`;
  const inNetwork = ['--network', `container:${sandbox}`, '--entrypoint=node', image, '-e', serve];
  await docker('run', '-d', '--rm', '--name=e2e-exposed', ...inNetwork);
  try {
    await eventually('the laptop has the port', 20_000, async () => {
      const asked = ['curl', '-sS', '--max-time', '2', 'http://127.0.0.1:18080/'];
      assert.equal((await onLaptop(asked, { mayFail: true })).stdout, 'my-laptop');
    });
  } finally {
    await docker('rm', '-f', 'e2e-exposed');
  }
  const format = 'table {{.Image}}|{{.Command}}|{{.Ports}}|{{.Names}}';
  const lines = (await docker('ps', '--format', format, '--filter', `name=^${sandbox}`)).split(
    '\n',
  );
  const row = (which: string): readonly string[] =>
    (lines.find((line) => line.endsWith(`|${which}`)) ?? '').split('|');
  const port = String(found.daemon_port);
  const [from, command, , daemon] = row(`${sandbox}-daemon`);
  assert.deepEqual([from, command, daemon], [image, '"telepresence connec…"', `${sandbox}-daemon`]);
  assert.ok(
    row(sandbox)[2]?.split(', ').includes(`127.0.0.1:${port}->${port}/tcp`),
    lines.join('\n'),
  );
  const again = await connect(name, '--expose', '18080:8080');
  assert.deepEqual([again.status, again.stdout, again.stderr], [0, '', '']);
  const differs = await connect(name, '--expose', '18081:8081');
  assert.match(
    differs.stderr,
    /error: connection e2e-sandbox was made without --expose 18081:8081\n/,
  );
  await telepresence(['quit']);
});

test('a network with addresses of the cluster is made anew before anything is lost', async () => {
  await docker(
    'network',
    'create',
    '--label=telepresence.laptop=somebody',
    '--subnet=10.96.231.0/24',
    network,
  );
  const { status: code, stdout, stderr } = await connect(name);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^Connected to context [^\n]*\n$/);
  const { subnets, virtual_subnets: virtual } = await read();
  assert.ok(
    subnets.some((subnet) => subnet.startsWith('10.96.')),
    subnets.join(),
  );
  assert.equal(virtual, undefined);
  assert.match(await subnetNow(), /^(192\.168\.2|10\.2|172\.2|100\.75\.)/);
  await telepresence(['quit']);
  assert.equal(await left(), '');
});

test('while another connection uses it, it is refused by name', async () => {
  await docker(
    'network',
    'create',
    '--label=telepresence.laptop=somebody',
    '--subnet=10.96.231.0/24',
    network,
  );
  await docker('run', '-d', '--name=e2e-user', `--network=${network}`, '--entrypoint=pause', image);
  try {
    const { status: code, stderr } = await connect(other);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^telepresence connect: error: Docker's network telepresence \(10\.96\.231\.0\/24\) overlaps with the cluster's 10\.96\.0\.0\/\d+, and is used by e2e-user\nend the connections/,
    );
    assert.equal(await docker('ps', '-aq', '--filter', 'label=telepresence.laptop'), '');
  } finally {
    await docker('rm', '-f', 'e2e-user');
    await docker('network', 'rm', network);
  }
});
