import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settingsFrom } from '../../playground/settings.ts';

/** A `docker` before the real one on PATH, as a laptop's command sees it. */
export interface WrappedDocker extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs `script` in a shell for each call, with `$REAL` the laptop's real docker: what an engine would
 * be that is not to be had here.
 */
export async function wrapDocker(script: string): Promise<WrappedDocker> {
  const { layout } = settingsFrom(process.env);
  const directory = await mkdtemp(join(tmpdir(), 'wrapped-docker-'));
  const path = join(directory, 'docker');
  await writeFile(path, `#!/bin/bash\nREAL='${join(layout.bin, 'docker')}'\n${script}\n`);
  await chmod(path, 0o755);
  const machine = process.env['PATH'] ?? '/usr/bin:/bin';
  return {
    env: { PATH: `${directory}:${layout.bin}:${machine}:/usr/local/sbin:/usr/sbin:/sbin` },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
