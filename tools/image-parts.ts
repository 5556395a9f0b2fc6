/**
 * Makes dist/image: what containers of the laptop's side are made of beside the bundles and Node, for
 * each processor that is asked for, or all. It needs Debian's apt and dpkg-deb, and no rights.
 */
import { resolve } from 'node:path';
import { describe } from '#base/errors.ts';
import { architectures } from '#docker/image/archive.ts';
import { cacheFrom } from '../images/cache.ts';
import { readBases, writeBaseLayer, writeParts, type BaseLayer } from '../images/container-base.ts';

const asked = process.argv.slice(2);
// Without arguments all, and afterwards there are no others; with some, the others stay as they are.
const wanted = architectures.filter((name) => asked.length === 0 || asked.includes(name));
if (wanted.length === 0) {
  console.error(`usage: npm run image-parts -- [${architectures.join(' | ')}]`);
  process.exit(2);
}
const repository = resolve(import.meta.dirname, '..');
const directory = resolve(repository, process.env['TELEPRESENCE_DIST'] ?? 'dist', 'image');
const deps = {
  cache: cacheFrom(process.env),
  env: process.env,
  progress: (line: string) => console.log(`image-parts: ${line}`),
  repository,
};
try {
  const bases: Record<string, BaseLayer> = asked.length === 0 ? {} : await readBases(directory);
  for (const architecture of wanted) {
    const options = { architecture, directory };
    const base = await writeBaseLayer(deps, options, AbortSignal.timeout(600_000));
    bases[architecture] = base;
    console.log(`dist/image/${base.file}  ${(base.size / 1e6).toFixed(1)} MB`);
  }
  await writeParts(deps, directory, bases);
} catch (error) {
  console.error(`image-parts: error: ${describe(error)}`);
  process.exitCode = 1;
}
