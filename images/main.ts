import { resolve } from 'node:path';
import { describe } from '#base/errors.ts';
import { cacheFrom } from './cache.ts';
import { assembleOurImage, ourImages } from './telepresence.ts';

const [asked] = process.argv.slice(2);
const which = ourImages.find((name) => name === asked);
if (which === undefined) {
  process.stderr.write(`usage: sh tools/node images/main.ts ${ourImages.join(' | ')}\n`);
  process.exit(2);
}
const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('interrupted')));
try {
  const { name, tar } = await assembleOurImage(
    {
      cache: cacheFrom(process.env),
      env: process.env,
      node: process.execPath,
      progress: (line) => process.stderr.write(`images: ${line}\n`),
      repository: resolve(import.meta.dirname, '..'),
    },
    which,
    stop.signal,
  );
  process.stderr.write(`images: ${name}\n`);
  process.stdout.write(`${tar}\n`);
} catch (error) {
  process.stderr.write(`images: error: ${describe(error)}\n`);
  process.exitCode = 1;
}
