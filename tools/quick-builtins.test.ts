import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { rolldown } from 'rolldown';
import { quickBuiltins } from './quick-builtins.ts';

const program = `
import http, { createServer } from 'node:http';
import * as all from 'http';
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
const same = http.createServer === createServer && all.createServer === createServer;
const undici = process.moduleLoadList.some((name) => name.includes('undici'));
console.log(inspect({ same, undici, fs: typeof readFileSync }));
`;

async function printed(plugins: Parameters<typeof rolldown>[0]['plugins']): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'quick-builtins-'));
  try {
    const input = join(directory, 'program.js');
    writeFileSync(input, program);
    await using bundle = await rolldown({ input, platform: 'node', plugins });
    const { output } = await bundle.write({ file: join(directory, 'out.mjs'), format: 'esm' });
    assert.equal(output.length, 1);
    return execFileSync(process.execPath, [join(directory, 'out.mjs')], { encoding: 'utf8' });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a bundle that imports node:http does not load undici', async () => {
  const text = await printed([quickBuiltins()]);
  assert.equal(text, "{ same: true, undici: false, fs: 'function' }\n");
});

test('without the plugin it does: the day this fails, the plugin may go', async () => {
  const text = await printed([]);
  assert.equal(text, "{ same: true, undici: true, fs: 'function' }\n");
});
