import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Files of a specification in a directory of their own. */
export interface SpecificationFiles extends AsyncDisposable {
  readonly directory: string;
  /** Writes one, and returns its path. */
  write(name: string, text: string): Promise<string>;
}

/** Makes the directory. */
export async function specificationFiles(): Promise<SpecificationFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'specification-'));
  return {
    directory,
    async write(name, text) {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      return path;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
