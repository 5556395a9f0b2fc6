import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDockerCommand, type DockerCommand } from '#docker/command.ts';
import { run } from '../../images/command.ts';
import { settingsFrom } from '../../playground/settings.ts';
import { laptopCommand, onLaptop, type RunOptions } from '../run.ts';

const repository = new URL('../..', import.meta.url).pathname;

/**
 * Bundles the sources as they are, and makes the parts of our image for this processor: what a checkout
 * needs before `--docker`. Quick where that is so already.
 */
export async function makeImageParts(): Promise<void> {
  const signal = AbortSignal.timeout(300_000);
  const options = { cwd: repository, env: process.env, signal };
  await run([process.execPath, 'tools/bundle.ts'], options);
  const own = process.arch === 'arm64' ? 'arm64' : 'amd64';
  await run([process.execPath, 'tools/image-parts.ts', own], options);
}

/** The laptop's docker command as a program of ours sees it, which the test itself is here. */
export async function dockerOnLaptop(
  options: RunOptions & { readonly as?: readonly string[] } = {},
): Promise<{ readonly docker: DockerCommand } & AsyncDisposable> {
  const { layout } = settingsFrom(process.env);
  // Starts the engine, unless the test says otherwise.
  const { env: _env, ...plain } = options;
  await onLaptop(['docker', '--version'], plain);
  const words = [...(options.as ?? []), join(layout.bin, 'docker')];
  const { argv, env } = await laptopCommand(words, options);
  const directory = await mkdtemp(join(tmpdir(), 'laptop-docker-'));
  const path = join(directory, 'docker');
  await writeFile(path, `#!/bin/sh\nexec ${argv.map(quote).join(' ')} "$@"\n`);
  await chmod(path, 0o755);
  const around = { ...env, PATH: `${directory}:${env['PATH'] ?? ''}` };
  const docker = await openDockerCommand({ env: around, platform: 'linux' });
  return { docker, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
