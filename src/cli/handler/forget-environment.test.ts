import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock, type Clock } from '#base/clock.ts';
import { forgetOnceMade } from './forget-environment.ts';

/** Passes when it is told to. */
function steppedClock(): { readonly clock: Clock; readonly step: () => void } {
  const runs = new Set<() => void>();
  const every: Clock['every'] = (_ms, run) => {
    runs.add(run);
    return { [Symbol.dispose]: () => void runs.delete(run) };
  };
  const step = (): void => {
    for (const run of runs) run();
  };
  return { clock: { ...systemClock, every }, step };
}

test('once Docker has written the id the environment is gone, and it is told once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'forget-'));
  try {
    const [id, environment] = [join(directory, 'id'), join(directory, 'environment')];
    await writeFile(environment, 'A=b\n');
    const made = Promise.withResolvers<void>();
    let times = 0;
    using _forgetting = forgetOnceMade({ clock: systemClock }, { id, environment }, () => {
      times += 1;
      made.resolve();
    });
    await writeFile(id, 'abc');
    await made.promise;
    assert.ok(!existsSync(environment));
    assert.equal(times, 1);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a folder that cannot be watched is looked at from time to time', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'forget-'));
  try {
    const folder = join(directory, 'missing');
    const [id, environment] = [join(folder, 'id'), join(directory, 'environment')];
    await writeFile(environment, 'A=b\n');
    const { clock, step } = steppedClock();
    let times = 0;
    using _forgetting = forgetOnceMade({ clock }, { id, environment }, () => (times += 1));
    step();
    assert.equal(times, 0);
    await mkdir(folder);
    await writeFile(id, 'abc');
    step();
    step();
    assert.equal(times, 1);
    assert.ok(!existsSync(environment));
  } finally {
    await rm(directory, { recursive: true });
  }
});
