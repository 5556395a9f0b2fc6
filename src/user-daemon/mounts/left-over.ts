import { readFile, rename, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import * as v from 'valibot';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { RemoteMounts } from '#host/mounts/remote-mounts.ts';
import { removeMountPoint } from './mount-point.ts';
import { isFileName } from '#protocol/sftp/volume-path.ts';

const remembered = v.object({
  path: v.pipe(
    v.string(),
    v.check((path) => isAbsolute(path) && !path.includes('\0')),
    v.transform((path) => resolve(path)),
    v.check((path) => path !== '/'),
  ),
  made: v.boolean(),
  /** Names in `path`, where it is a copy: they are removed with all that is in them. */
  parts: v.array(v.pipe(v.string(), v.check(isFileName))),
});
type Remembered = v.InferOutput<typeof remembered>;

/** What is mounted or copied, in a file: a process that is killed leaves word of it. */
export interface MountMemory {
  remember(one: Remembered): Promise<void>;
  forget(path: string): Promise<void>;
}

interface Deps {
  readonly log: Logger;
  readonly mounts: Pick<RemoteMounts, 'isMounted' | 'release'>;
  readonly stateDir: string;
}

/** Removes what the process before this one has left. What cannot be removed is tried again next time. */
export async function openMountMemory(deps: Deps): Promise<MountMemory> {
  const file = join(deps.stateDir, 'mounts.json');
  const known = new Map<string, Remembered>();
  for (const one of await read(file)) {
    try {
      await deps.mounts.release(one.path);
      await removeMountPoint(one, one.parts);
      deps.log.info('a left-over mount point was removed', { path: one.path });
    } catch (error) {
      deps.log.warning('a left-over mount point stays', {
        path: one.path,
        reason: describe(error),
      });
      if (await deps.mounts.isMounted(one.path)) known.set(one.path, one);
    }
  }
  let last = Promise.resolve();
  const save = async (): Promise<void> => {
    last = last.then(async () => {
      const temporary = `${file}.new`;
      await writeFile(temporary, JSON.stringify([...known.values()]), { mode: 0o600 });
      await rename(temporary, file);
    });
    // Without it only a left-over would stay.
    await last.catch((error: unknown) => {
      deps.log.warning('mount points not written down', { file, reason: describe(error) });
      last = Promise.resolve();
    });
  };
  return {
    async remember(one) {
      known.set(one.path, one);
      await save();
    },
    async forget(path) {
      if (known.delete(path)) await save();
    },
  };
}

/** What cannot be read, of the file or in it, is passed over. */
async function read(file: string): Promise<readonly Remembered[]> {
  const text = await readFile(file, 'utf8').catch(() => '[]');
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), v.array(v.unknown())), text);
  return (parsed.success ? parsed.output : []).flatMap((one) => {
    const entry = v.safeParse(remembered, one);
    return entry.success ? [entry.output] : [];
  });
}
