/** What a laptop lacks is said before anything is started on it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { kubeconfigPath } from '../playground/kubeconfig.ts';
import { settingsFrom } from '../playground/settings.ts';
import { processesOf } from './laptop-machine.ts';
import { prepare } from './prepare.ts';
import { onLaptop, telepresence, type RunOptions } from './run.ts';

const { layout } = settingsFrom(process.env);
const hideTool = new URL('hide-tool.sh', import.meta.url).pathname;
/** Somebody who is not root. */
const user = 65_534;
let directory = '';

before(async () => {
  await prepare();
  await telepresence(['quit', '-s'], { mayFail: true });
  // The laptop has the machine's own /tmp. A user's home, with the user's kubeconfig.
  directory = await mkdtemp(join(tmpdir(), 'telepresence-lacks-'));
  await onLaptop(['cp', kubeconfigPath(layout, 'admin'), join(directory, 'kubeconfig')]);
  await writeFile(join(directory, 'sudo'), '#!/bin/sh\necho sudo: no >&2\nexit 1\n', {
    mode: 0o755,
  });
  await onLaptop(['chown', '-R', `${String(user)}:${String(user)}`, directory]);
});
after(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Runs `telepresence connect` so that it fails; one sentence, the next step, and no daemon. */
async function lacks(
  around: readonly string[],
  sentence: RegExp,
  step: RegExp,
  options: RunOptions = {},
): Promise<void> {
  const { status, stderr, stdout } = await onLaptop([...around, 'telepresence', 'connect'], {
    mayFail: true,
    ...options,
  });
  console.log(stderr.trim());
  const [first = '', second = '', ...more] = stderr.trim().split('\n');
  assert.equal(status, 1, stderr);
  assert.match(first, sentence);
  assert.match(second, step);
  assert.deepEqual(more, [], 'one sentence and one step');
  assert.doesNotMatch(stdout, /Connected/);
  assert.deepEqual(await processesOf('root-daemon'), []);
}

test('nft or iproute2 is not installed', async () => {
  for (const [tool, name] of [
    ['nft', 'nftables'],
    ['ip', 'iproute2'],
  ] as const) {
    await lacks(
      ['unshare', '-m', 'sh', hideTool, tool],
      new RegExp(`^telepresence connect: error: the program ${tool} is not installed$`),
      new RegExp(`install the package ${name}, then connect again`),
    );
  }
});

test('there is no /dev/net/tun', async () => {
  await lacks(
    ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs tmpfs /dev/net; exec "$@"', 'sh'],
    /^telepresence connect: error: \/dev\/net\/tun is missing: the kernel has no TUN devices$/,
    /modprobe tun .*--device \/dev\/net\/tun/,
  );
});

test('nobody gives us root', async () => {
  const id = String(user);
  const asUser = ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups'];
  const xdg = ['CACHE', 'STATE', 'RUNTIME', 'CONFIG', 'DATA'];
  const own = xdg.map((name) => [name === 'RUNTIME' ? 'XDG_RUNTIME_DIR' : `XDG_${name}_HOME`, '']);
  const env = {
    ...Object.fromEntries(own),
    HOME: directory,
    KUBECONFIG: join(directory, 'kubeconfig'),
  };
  await lacks(
    ['unshare', '-m', 'sh', hideTool, 'sudo', ...asUser],
    /^telepresence connect: error: the root daemon needs root rights, and there is no sudo$/,
    /install sudo, or run telepresence as root/,
    { env },
  );
  const refusing = ['sh', '-c', `PATH=${directory}:$PATH; exec "$@"`, 'sh'];
  await lacks(
    [...asUser, ...refusing],
    /the root daemon needs root rights, and sudo did not give them$/,
    /in a terminal where sudo can ask for the password, or as root/,
    { env },
  );
  assert.deepEqual(await processesOf('user-daemon'), []);
});
