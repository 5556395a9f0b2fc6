import assert from 'node:assert/strict';
import { test } from 'node:test';
import { automaticFlags } from './automatic-flags.ts';
import { handlerName } from './handler-name.ts';

const options = {
  place: { kind: 'container', network: 'tp-a', connection: 'a' },
  name: 'intercept-hello-8080',
  envFile: '/run/env',
  labels: ['a=b'],
  volumes: ['-v', 'app-0:/etc/x'],
  forDebugger: false,
  network: ['--dns-search=tel2-search', '-p=127.0.0.1:8080:8080'],
} as const;

test('the flags that the guide lists, with the daemon in a container', () => {
  assert.deepEqual(automaticFlags(options).args, [
    '--network=container:tp-a',
    '--rm',
    '--env-file=/run/env',
    '--name=intercept-hello-8080',
    '--label=a=b',
    '-v',
    'app-0:/etc/x',
  ]);
  const named = automaticFlags({ ...options, name: undefined }).args;
  assert.ok(!named.some((flag) => flag.startsWith('--name')));
});

test('with the daemon on this machine the network is the container’s own', () => {
  const { args } = automaticFlags({ ...options, place: { kind: 'host' } });
  assert.deepEqual(args.slice(0, 3), [...options.network, '--env-file=/run/env']);
  assert.ok(!args.some((flag) => flag.startsWith('--network') || flag === '--rm'));
});

test('a debugger may trace, and nothing else may', () => {
  const { args } = automaticFlags({ ...options, forDebugger: true });
  assert.deepEqual(
    args.filter((flag) => /cap-add|security-opt/.test(flag)),
    ['--cap-add=SYS_PTRACE', '--security-opt=apparmor=unconfined'],
  );
});

test('names that docker ps shows, and Docker takes', () => {
  const one = { what: 'intercept', name: 'echo-easy', port: 8080, beside: undefined } as const;
  assert.equal(handlerName(one), 'intercept-echo-easy-8080');
  assert.equal(handlerName({ ...one, beside: 'alpha' }), 'intercept-echo-easy-8080-alpha');
  const ingest = { what: 'ingest', name: 'hello/sidecar', port: undefined, beside: undefined };
  assert.equal(handlerName({ ...ingest, what: 'ingest' }), 'ingest-hello-sidecar');
});
