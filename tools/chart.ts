/** Writes chart/ and docs/helm-values.md from src/install. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { chartFiles } from './chart/files.ts';

const repository = join(import.meta.dirname, '..');
for (const [path, text] of chartFiles()) {
  await mkdir(dirname(join(repository, path)), { recursive: true });
  await writeFile(join(repository, path), text);
}
