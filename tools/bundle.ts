/**
 * Makes dist/: one .mjs for each program of the laptop, and one for everything in the cluster. Does
 * nothing where all of it is newer than what it is made of: somebody may be running it.
 */
import { chmodSync, existsSync, globSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { rolldown } from 'rolldown';
import { quickBuiltins } from './quick-builtins.ts';

/** Bundle → its entry; the manager's image runs `tel2.mjs manager | relay | agent | agent-init`. */
const bundles = {
  telepresence: 'src/cli/main.ts',
  'user-daemon': 'src/user-daemon/main.ts',
  'root-daemon': 'src/root-daemon/main.ts',
  'docker-helper': 'src/docker-helper/main.ts',
  'port-relay': 'src/port-relay/main.ts',
  'self-test': 'src/root-daemon/self-test-main.ts',
  'volume-plugin': 'src/volume-plugin/main.ts',
  'volume-snapshot': 'src/volume-plugin/snapshot-main.ts',
  tel2: 'src/cluster-main.ts',
} as const;

const out = process.env['TELEPRESENCE_DIST'] ?? 'dist';
const asked = process.argv.slice(2);
const all = Object.entries(bundles).filter(([name]) => asked.length === 0 || asked.includes(name));
const missing = all.filter(([, entry]) => !existsSync(entry));
if (missing.length > 0) {
  console.error(`bundle: error: not there: ${missing.map(([, entry]) => entry).join(', ')}`);
  process.exit(1);
}

const changed = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const madeOf = [
  ...globSync('src/**/*.ts'),
  'package-lock.json',
  'package.json',
  'tools/bundle.ts',
  'tools/quick-builtins.ts',
];
const newest = Math.max(...madeOf.map(changed));
if (asked.length === 0 && all.every(([name]) => changed(`${out}/${name}.mjs`) > newest)) {
  console.log(`${basename(out)}/ is up to date`);
  process.exit(0);
}

// What containers are made of is another tool's (tools/image-parts.ts).
const old = asked.length === 0 ? globSync(`${out}/*`, { exclude: [`${out}/image`] }) : [];
for (const path of old) rmSync(path, { recursive: true, force: true });
for (const [name, input] of all) {
  // A native addon cannot be part of a bundle: koffi stays a package beside it.
  const bundle = await rolldown({
    input: { [name]: input },
    platform: 'node',
    external: ['koffi'],
    resolve: { conditionNames: ['node', 'import', 'default'] },
    plugins: [quickBuiltins()],
  });
  const { output } = await bundle.write({
    dir: out,
    format: 'esm',
    entryFileNames: '[name].mjs',
    // Chunks of one program do not meet those of another, so that each image takes only its own.
    chunkFileNames: `${name}/[name]-[hash].mjs`,
    minify: false,
    comments: { legal: false, jsdoc: false, annotation: false },
  });
  await bundle.close();
  chmodSync(`${out}/${name}.mjs`, 0o755);
  const bytes = output.reduce(
    (sum, part) => sum + (part.type === 'chunk' ? part.code.length : 0),
    0,
  );
  console.log(
    `${basename(out)}/${name}.mjs  ${(bytes / 1024).toFixed(0)} kB in ${String(output.length)} files`,
  );
}
