import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { architectureFor } from './engine.ts';
import { parseEngineFacts } from './engine-facts.ts';
import { DockerError } from './errors.ts';

const client = {
  Version: '28.2.2',
  ApiVersion: '1.41',
  Context: 'default',
  Os: 'linux',
  Arch: 'amd64',
};
const server = {
  Version: '20.10.24+dfsg1',
  ApiVersion: '1.41',
  MinAPIVersion: '1.12',
  Os: 'linux',
  Arch: 'arm64',
  Components: [{ Name: 'Engine', Version: '20.10.24+dfsg1' }],
};

function facts(version: unknown, info: unknown = {}, endpoint = '"unix:///var/run/docker.sock"') {
  return parseEngineFacts({
    version: JSON.stringify(version),
    info: JSON.stringify(info),
    endpoint,
  });
}

test("a Docker Engine's answers", () => {
  const security = ['name=seccomp,profile=default', 'name=cgroupns'];
  assert.deepEqual(facts({ Client: client, Server: server }, { SecurityOptions: security }), {
    kind: 'docker',
    version: '20.10.24+dfsg1',
    apiVersion: '1.41',
    commandVersion: '28.2.2',
    architecture: 'arm64',
    os: 'linux',
    rootless: false,
    remapsUsers: false,
    context: 'default',
    endpoint: 'unix:///var/run/docker.sock',
    isOnThisMachine: true,
  });
});

test('the older of two API versions, by number', () => {
  const newer = {
    Client: { ...client, ApiVersion: '1.9' },
    Server: { ...server, ApiVersion: '1.41' },
  };
  assert.equal(facts(newer).apiVersion, '1.9');
  const older = {
    Client: { ...client, ApiVersion: '1.52' },
    Server: { ...server, ApiVersion: '1.44' },
  };
  assert.equal(facts(older).apiVersion, '1.44');
});

test('a rootless engine, and one that maps users', () => {
  const both = { Client: client, Server: server };
  assert.ok(facts(both, { SecurityOptions: ['name=seccomp', 'name=rootless'] }).rootless);
  assert.ok(facts(both, { SecurityOptions: ['name=userns'] }).remapsUsers);
});

test("Podman, behind Docker's command and with its own", () => {
  // As Podman 4.3.1 answers.
  const service = { ...server, Components: [{ Name: 'Podman Engine' }, { Name: 'Conmon' }] };
  assert.equal(facts({ Client: client, Server: service }).kind, 'podman');
  const own = facts(
    { Client: { APIVersion: '4.3.1', Version: '4.3.1', OsArch: 'linux/amd64' } },
    { host: { security: { rootless: true } } },
    '',
  );
  assert.deepEqual(
    [own.kind, own.version, own.architecture, own.os, own.rootless, own.isOnThisMachine],
    ['podman', '4.3.1', 'amd64', 'linux', true, true],
  );
});

test('where published ports are', () => {
  for (const [endpoint, here] of [
    ['npipe:////./pipe/docker_engine', true],
    ['tcp://127.0.0.1:2375', true],
    ['tcp://[::1]:2375', true],
    ['tcp://localhost.example.com:2375', false],
    ['tcp://192.0.2.1:2375', false],
    ['ssh://me@host', false],
  ] as const) {
    const found = facts({ Client: client, Server: server }, {}, JSON.stringify(endpoint));
    assert.equal(found.isOnThisMachine, here, endpoint);
  }
});

test('an engine that our images do not run on is named', () => {
  const both = (changed: object) => facts({ Client: client, Server: { ...server, ...changed } });
  assert.equal(architectureFor(both({ Arch: 'x86_64' })), 'amd64');
  assert.throws(() => architectureFor(both({ Os: 'windows' })), /runs windows containers/);
  assert.throws(() => architectureFor(both({ Arch: 's390x' })), /processor is s390x/);
});

test('noise is an error of ours and nothing else', () => {
  const shaped = fc.record(
    {
      Client: fc.oneof(fc.jsonValue(), fc.constant(client)),
      Server: fc.oneof(fc.jsonValue(), fc.constant(server)),
    },
    { requiredKeys: [] },
  );
  const answer = fc.oneof(
    fc.string(),
    fc.json(),
    shaped.map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(answer, answer, answer, (version, info, endpoint) => {
      try {
        const { os, architecture } = parseEngineFacts({ version, info, endpoint });
        assert.equal(typeof `${os}${architecture}`, 'string');
      } catch (error) {
        assert.ok(error instanceof DockerError);
        assert.equal(error.code, 'BadAnswer');
      }
    }),
  );
});
