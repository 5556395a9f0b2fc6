import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { DockerError } from '../errors.ts';
import type { Architecture } from './archive.ts';
import { checkBundles } from './checkout.ts';
import type { Layer } from './layer.ts';

/** What the package holds beside its bundles, for containers: written by tools/container-base.ts. */
const partsShape = v.object({
  /** The layers with Debian's programs, by processor. */
  bases: v.record(
    v.string(),
    v.object({ file: v.string(), digest: v.string(), diffId: v.string(), size: v.number() }),
  ),
  node: v.object({ version: v.string(), integrity: v.record(v.string(), v.string()) }),
});

/** Where the files of our own image are, and what they are. */
export interface OwnFiles {
  /** The directory of the bundles. */
  readonly dist: string;
  readonly node: { readonly version: string; readonly integrity: Readonly<Record<string, string>> };
  /** The layer of Debian's programs for a processor. */
  base(architecture: Architecture): Promise<Layer>;
}

/** Looks at the files of this package; a checkout has them after `npm run bundle` and `npm run image-parts`. */
export async function openOwnFiles(root: string): Promise<OwnFiles> {
  const dist = join(root, 'dist');
  const directory = join(dist, 'image');
  await checkBundles(root, join(dist, 'telepresence.mjs'));
  const printed = await readFile(join(directory, 'parts.json'), 'utf8').catch((cause: unknown) => {
    throw missing('what containers are made of', cause);
  });
  const parts = v.safeParse(v.pipe(v.string(), v.parseJson(), partsShape), printed);
  if (!parts.success) throw missing('a list of what containers are made of');
  const { bases, node } = parts.output;
  return {
    dist,
    node,
    async base(architecture) {
      const found = bases[architecture];
      if (found === undefined) throw missing(`what containers on ${architecture} are made of`);
      const { file, digest, diffId, size } = found;
      const from = join(directory, file);
      const there = await stat(from).catch(() => undefined);
      if (there?.size !== size) throw missing(`the whole of ${file}`);
      return { digest, diffId, size, gzip: true, content: { from } };
    },
  };
}

function missing(what: string, cause?: unknown): DockerError {
  return new DockerError('ImagePartMissing', `this installation of telepresence lacks ${what}`, {
    cause,
    hint: 'install it anew; in a checkout: npm run image-parts',
  });
}
