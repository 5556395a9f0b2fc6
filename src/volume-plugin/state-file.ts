import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { describe, systemCode } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';

const volumeShape = v.object({
  name: v.string(),
  createdAt: v.string(),
  options: v.object({
    host: v.string(),
    port: v.number(),
    container: v.string(),
    dir: v.string(),
    readOnly: v.boolean(),
    token: v.string(),
  }),
});
const stateShape = v.pipe(v.string(), v.parseJson(), v.object({ volumes: v.array(volumeShape) }));

/** A volume as it is remembered: Docker forgets none of its own, so neither do we. */
export type KeptVolume = v.InferOutput<typeof volumeShape>;

/** What a killed plugin has known. */
export interface StateFile {
  read(): Promise<readonly KeptVolume[]>;
  write(volumes: readonly KeptVolume[]): Promise<void>;
}

/** One file, which is always whole; it holds tokens, so that it is root's alone. */
export function openStateFile({ log }: { readonly log: Logger }, path: string): StateFile {
  return {
    async read() {
      try {
        return v.parse(stateShape, await readFile(path, 'utf8')).volumes;
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return [];
        log.error('state not read', { path, reason: describe(error) });
        await rename(path, `${path}.bad`);
        return [];
      }
    },
    async write(volumes) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const draft = `${path}.new`;
      await using file = await open(draft, 'w', 0o600);
      await file.writeFile(JSON.stringify({ volumes }));
      await file.sync();
      await rename(draft, path);
    },
  };
}
