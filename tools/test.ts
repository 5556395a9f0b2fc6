/** Runs the checks in order and says how long each took: `tools/test.ts [PART…]`. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

interface Part {
  readonly name: string;
  readonly commands: () => readonly (readonly string[])[];
}

const node = ['sh', 'tools/node'] as const;
const bin = (name: string): string => `node_modules/.bin/${name}`;

function nodeTest(files: readonly string[], options: readonly string[]): readonly string[] {
  return [...node, '--test', '--test-reporter=spec', ...options, ...files.toSorted()];
}

function succeeds(
  [command = '', ...args]: readonly string[],
  stdio: 'inherit' | 'ignore',
): boolean {
  return spawnSync(command, args, { stdio }).status === 0;
}

const playground = (...words: readonly string[]): readonly string[] => [
  ...node,
  'playground/main.ts',
  ...words,
];

const beside = globSync(['{src,tools,playground,images}/**/*.test.ts']);
const isRoot = (file: string): boolean => file.endsWith('.root.test.ts');

const parts: readonly Part[] = [
  { name: 'format', commands: () => [[bin('oxfmt'), '--check', '.']] },
  { name: 'lint', commands: () => [[bin('oxlint'), '--type-aware', '--deny-warnings']] },
  { name: 'types', commands: () => [[bin('tsc'), '--noEmit']] },
  {
    name: 'unit',
    commands: () => [
      nodeTest(
        beside.filter((file) => !isRoot(file)),
        ['--test-concurrency=2', '--test-timeout=120000'],
      ),
    ],
  },
  // Before the tests that need root: it installs the machine's missing packages.
  { name: 'up', commands: () => [playground('demo')] },
  {
    name: 'root',
    commands: () => [
      nodeTest(beside.filter(isRoot), ['--test-concurrency=1', '--test-timeout=120000']),
    ],
  },
  { name: 'bundle', commands: () => [[...node, 'tools/bundle.ts']] },
  { name: 'playground', commands: () => [[...node, 'tools/end-to-end.ts']] },
];

// Tests have a playground of their own; one that somebody left up is used, and left up.
process.env['PLAYGROUND_NAME'] ||= 'test';

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(`no part ${unknown.join(', ')}; there are: ${parts.map((p) => p.name).join(', ')}`);
  process.exit(2);
}

const chosen = parts.filter(({ name }) => asked.length === 0 || asked.includes(name));
const wasUp = succeeds(playground('status'), 'ignore');
if (!wasUp) process.env['E2E_OWN_PLAYGROUND'] = '1';
const took: string[] = [];
let failed: string | undefined;
for (const part of chosen) {
  console.log(`\n== ${part.name}`);
  const start = performance.now();
  const bad = part.commands().find((command) => !succeeds(command, 'inherit'));
  took.push(
    `${part.name.padEnd(12)}${((performance.now() - start) / 1000).toFixed(1).padStart(7)} s`,
  );
  if (bad !== undefined) {
    failed = `${part.name}: ${bad.slice(0, 6).join(' ')}`;
    break;
  }
}
if (!wasUp && chosen.some(({ name }) => name === 'up')) succeeds(playground('down'), 'inherit');
console.log(`\n${took.join('\n')}`);
if (failed !== undefined) {
  console.error(`\nfailed: ${failed}`);
  process.exit(1);
}
