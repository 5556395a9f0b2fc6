import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandFailure } from './command-failure.ts';

const path = '/usr/bin/docker';
const failed = (said: string) => commandFailure({ path, args: ['ps'], status: 1, said });

/** Words of Docker's command, versions 20.10 to 29, and of Podman's. */
const known: readonly (readonly [string, string, RegExp])[] = [
  [
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n',
    'NotRunning',
    /^Docker does not run at unix:\/\/\/var\/run\/docker\.sock$/,
  ],
  [
    "docker: Cannot connect to the Docker daemon at unix:///home/a b/x.sock. Is the docker daemon running?.\nSee 'docker run --help'.",
    'NotRunning',
    /^Docker does not run/,
  ],
  [
    'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory',
    'NotRunning',
    /^Docker does not run at unix:\/\/\/var\/run\/docker\.sock$/,
  ],
  [
    'error during connect: this error may indicate that the docker daemon is not running: Get "http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.24/version": open //./pipe/docker_engine: The system cannot find the file specified.',
    'NotRunning',
    /^Docker does not run at \/\/\.\/pipe\/docker_engine$/,
  ],
  [
    'Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/version": dial unix /var/run/docker.sock: connect: permission denied',
    'NotPermitted',
    /^you may not use Docker's socket at unix:\/\/\/var\/run\/docker\.sock \(\/usr\/bin\/docker\)$/,
  ],
  [
    'permission denied while trying to connect to the docker API at unix:///var/run/docker.sock',
    'NotPermitted',
    /^you may not use Docker's socket at unix:\/\/\/var\/run\/docker\.sock/,
  ],
  [
    'Failed to initialize: unable to resolve docker endpoint: context "gone": context not found: open /root/.docker/contexts/meta/x/meta.json: no such file or directory',
    'UnknownContext',
    /^there is no Docker context gone$/,
  ],
  [
    'unable to resolve docker endpoint: context "gone" does not exist',
    'UnknownContext',
    /^there is no Docker context gone$/,
  ],
  [
    'error during connect: Get "http://bogus:2375/v1.50/containers/json": dial tcp: lookup bogus on 198.18.0.1:53: no such host',
    'Unreachable',
    /^Docker cannot be reached: dial tcp: lookup bogus on 198\.18\.0\.1:53: no such host$/,
  ],
  [
    "docker: Error response from daemon: driver failed programming external connectivity on endpoint x: Error starting userland proxy: listen tcp4 192.0.2.9:80: bind: cannot assign requested address\n\nRun 'docker run --help' for more information",
    'CommandFailed',
    /^driver failed programming .* cannot assign requested address$/,
  ],
  [
    'Current context "gone" is not found on the file system, please check your config file at /root/.docker/config.json',
    'UnknownContext',
    /^there is no Docker context gone$/,
  ],
  [
    'Error response from daemon: client version 1.52 is too new. Maximum supported API version is 1.41',
    'VersionsDiffer',
    /speaks Docker's API 1\.52 and the engine none newer than 1\.41$/,
  ],
  [
    'Error response from daemon: client version 1.24 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version',
    'VersionsDiffer',
    /speaks Docker's API 1\.24 and the engine none older than 1\.44$/,
  ],
  [
    'Cannot connect to the Docker daemon at tcp://192.0.2.1:2375. Is the docker daemon running?',
    'Unreachable',
    /^no answer from Docker at tcp:\/\/192\.0\.2\.1:2375$/,
  ],
  [
    'error during connect: Get "http://docker.example.com/v1.41/containers/json": command [ssh -- host docker system dial-stdio] has exited with exit status 255, stderr=ssh: Could not resolve hostname host',
    'Unreachable',
    /^Docker cannot be reached: ssh: Could not resolve hostname host$/,
  ],
  [
    "docker: Error response from daemon: pull access denied for nosuch, repository does not exist or may require 'docker login'.\nSee 'docker run --help'.",
    'CommandFailed',
    /^pull access denied for nosuch/,
  ],
  [
    'docker: Error response from daemon: Conflict. The container name "/tp-default" is already in use by container "3f9". You have to remove (or rename) that container to be able to reuse that name.',
    'NameInUse',
    /^there is a container tp-default already$/,
  ],
  ['Error: No such image: nosuch', 'CommandFailed', /^No such image: nosuch$/],
  ['', 'CommandFailed', /^docker ended with status 1$/],
  [
    'docker: Error response from daemon: driver failed programming external connectivity on endpoint tp-a (3f9): Bind for 0.0.0.0:8080 failed: port is already allocated.',
    'PortTaken',
    /^port 0\.0\.0\.0:8080 of this machine is in use$/,
  ],
  [
    'docker: Error response from daemon: driver failed programming external connectivity on endpoint tp-a (3f9): Error starting userland proxy: listen tcp4 127.0.0.1:58802: bind: address already in use.',
    'PortTaken',
    /^port 127\.0\.0\.1:58802 of this machine is in use$/,
  ],
  [
    'Error response from daemon: failed to set up container networking: driver failed programming external connectivity on endpoint tp-a (3f9): failed to bind host port 0.0.0.0:8080/tcp: address already in use',
    'PortTaken',
    /^port 0\.0\.0\.0:8080 of this machine is in use$/,
  ],
];

test("each of the docker command's complaints becomes one sentence", () => {
  for (const [said, code, message] of known) {
    const error = failed(said);
    assert.equal(error.code, code, said);
    assert.match(error.message, message);
  }
});

test('whatever it says, there is one line for people and the whole as its cause', () => {
  const words = fc.constantFrom(...known.map(([said]) => said), 'at ', 'context "', '\n', ': ');
  const noise = fc.array(fc.oneof(words, fc.string())).map((parts) => parts.join(''));
  fc.assert(
    fc.property(noise, (said) => {
      const error = failed(said);
      assert.notEqual(error.message, '');
      assert.doesNotMatch(error.message, /\n/);
      assert.ok(error.cause instanceof Error);
    }),
  );
});

test('the token of a volume stands in nothing that is logged', () => {
  const token = 'ab'.repeat(32);
  const args = ['volume', 'create', `--opt=token=${token}`, 'app-0'];
  const said = `Error response from daemon: create app-0: token ${token} is refused`;
  const error = commandFailure({ path, args, status: 1, said });
  assert.ok(error.cause instanceof Error && error.cause.message.includes('--opt=token=… app-0'));
  assert.ok(!`${error.cause.message} ${error.message}`.includes(token));
});
