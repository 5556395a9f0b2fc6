/** The npm package installs as a user would install it, without install scripts, and runs. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { architectures } from '#docker/image/archive.ts';
import { openOwnFiles } from '#docker/image/own-files.ts';
import { run } from '../images/command.ts';

const repository = new URL('..', import.meta.url).pathname;

test('npm pack gives a package that installs globally and runs', async () => {
  const signal = AbortSignal.timeout(400_000);
  const directory = await mkdtemp(join(tmpdir(), 'telepresence-package-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));

  await run(['npm', 'pack', '--silent', `--pack-destination=${directory}`], {
    cwd: repository,
    signal,
  });
  const [archive = ''] = await readdir(directory);
  assert.match(archive, /^telepresence-ts-.*\.tgz$/);
  const prefix = join(directory, 'prefix');
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  await run(
    ['npm', 'install', '--global', '--prefix', prefix, ...quiet, join(directory, archive)],
    {
      cwd: directory,
      signal,
    },
  );

  // What containers are made of, for either processor that a Docker Engine may have.
  const files = await openOwnFiles(join(prefix, 'lib', 'node_modules', 'telepresence-ts'));
  for (const architecture of architectures) {
    const base = await files.base(architecture);
    assert.ok(base.size > 1e6 && base.size < 20e6, `${architecture}: ${String(base.size)} bytes`);
    assert.match(files.node.integrity[architecture] ?? '', /^sha512-/);
  }

  const telepresence = join(prefix, 'bin', 'telepresence');
  const env = { PATH: process.env['PATH'], HOME: directory, XDG_RUNTIME_DIR: directory };
  const version = await run([telepresence, 'version'], { cwd: directory, env, signal });
  assert.match(version.stdout, /^Client +: v\d+\.\d+\.\d+/m);
  assert.equal(version.stderr, '');
  const status = await run([telepresence, 'status'], { cwd: directory, env, signal });
  assert.match(status.stdout, /^OSS User Daemon: Not running/);
  const wrong = await run([telepresence, 'intercpt'], {
    cwd: directory,
    env,
    signal,
    mayFail: true,
  });
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /invalid subcommand "intercpt"/);
});
