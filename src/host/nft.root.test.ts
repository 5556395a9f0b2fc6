import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { HostError } from './errors.ts';
import { startNftChild } from './nft-child.ts';
import { holdRuleTableContract } from './nft.contract.ts';
import { openRuleTable, type TableKeeper } from './nft.ts';
import { enterOwnNetworkNamespace } from './own-namespace.ts';

let directory = '';
before(async () => {
  enterOwnNetworkNamespace();
  directory = await mkdtemp(join(tmpdir(), 'nft-test-'));
});
after(() => rm(directory, { recursive: true }));

const signal = (): AbortSignal => AbortSignal.timeout(5000);
const body = (port: number): string => `
  set open { type ipv4_addr . inet_service; flags timeout; }
  chain out { type nat hook output priority -110
    ip daddr . tcp dport @open redirect to :${port}
  }`;
const ruleset = (): string => execFileSync('nft', ['list', 'ruleset']).toString();

for (const keeper of ['kernel', 'helper'] satisfies TableKeeper[]) {
  test(`a table kept by the ${keeper} does what a rule table does`, async () => {
    await using table = await openRuleTable(
      { directory },
      { name: 'tp', keeper, signal: signal() },
    );
    await holdRuleTableContract({
      table,
      rules: ruleset,
      hasElement: () => ruleset().includes('10.0.0.1 . 80'),
    });
  });
}

test('a child that lives for days keeps nothing of what it was asked', async () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  await using child = startNftChild();
  const heapAfter = async (batches: number): Promise<number> => {
    for (let count = 0; count < batches; count += 1) await child.run([], signal());
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAfter(200);
  const batches = 1000;
  const each = ((await heapAfter(batches)) - before) / batches;
  assert.ok(each < 500, `${each.toFixed(0)} bytes a batch`);
});

test('a transaction with a bad last line changes nothing, and the table stays usable', async () => {
  await using table = await openRuleTable({ directory }, { name: 'tp', signal: signal() });
  await table.replace(body(4000), signal());
  const add = { kind: 'add', element: '10.0.0.1 . 80' } as const;
  await assert.rejects(
    table.update(
      [
        { ...add, set: 'open' },
        { ...add, set: 'missing' },
      ],
      signal(),
    ),
    (error) =>
      error instanceof HostError && error.code === 'NftFailed' && /missing/.test(error.message),
  );
  assert.doesNotMatch(ruleset(), /10\.0\.0\.1/);
  await table.update([{ ...add, set: 'open' }], signal());
  assert.match(ruleset(), /10\.0\.0\.1/);
});

test('elements are added, refreshed and deleted any number of times', async () => {
  await using table = await openRuleTable({ directory }, { name: 'tp', signal: signal() });
  await table.replace(body(4000), signal());
  const of = (kind: 'add' | 'delete' | 'refresh', element: string) =>
    ({ kind, set: 'open', element, timeoutSeconds: 3 }) as const;
  for (const _ of [1, 2]) {
    await table.update([of('add', '10.0.0.1 . 80'), of('refresh', '10.0.0.2 . 80')], signal());
  }
  assert.match(ruleset(), /10\.0\.0\.2 . 80 timeout 3s expires (3s|2s9)/);
  for (const _ of [1, 2]) await table.update([of('delete', '10.0.0.1 . 80')], signal());
  assert.doesNotMatch(ruleset(), /10\.0\.0\.1/);
});

test('others can neither delete nor flush the table, nor open it a second time', async () => {
  await using table = await openRuleTable({ directory }, { name: 'tp', signal: signal() });
  await table.replace(body(4000), signal());
  assert.throws(() => execFileSync('nft', ['delete', 'table', 'inet', 'tp'], { stdio: 'pipe' }));
  execFileSync('nft', ['flush', 'ruleset']);
  assert.match(ruleset(), /:4000/);
  await assert.rejects(
    openRuleTable({ directory }, { name: 'tp', signal: signal() }),
    (error) => error instanceof HostError && error.code === 'TableInUse',
  );
});

for (const keeper of ['kernel', 'helper'] satisfies TableKeeper[]) {
  test(`kill -9 of the owner removes a table kept by the ${keeper}`, async () => {
    const script = `
      import { openRuleTable } from ${JSON.stringify(import.meta.resolve('./nft.ts'))};
      const table = await openRuleTable({ directory: ${JSON.stringify(directory)} },
        { name: 'tp', keeper: '${keeper}', signal: AbortSignal.timeout(5000) });
      await table.replace(${JSON.stringify(body(4000))}, AbortSignal.timeout(5000));
      console.log('ready');
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(owner.stdout, 'data');
    assert.match(ruleset(), /:4000/);
    owner.kill('SIGKILL');
    // The kernel does it at once; a busy machine lets us see it late.
    const deadline = performance.now() + 5000;
    while (ruleset() !== '') assert(performance.now() < deadline, 'the table is still there');
  });
}

test('an nft that is killed is noticed', async () => {
  await using table = await openRuleTable({ directory }, { name: 'tp', signal: signal() });
  const pid = execFileSync('sh', ['-c', `pgrep -P ${process.pid} -x nft`])
    .toString()
    .trim();
  process.kill(Number(pid), 'SIGKILL');
  await table.gone;
  await assert.rejects(
    table.replace(body(1), signal()),
    (error) => error instanceof HostError && error.code === 'NftLost',
  );
});

test('without rights it says so', async () => {
  const script = `
    process.setgid(65534); process.setuid(65534);
    const { openRuleTable } = await import(${JSON.stringify(import.meta.resolve('./nft.ts'))});
    await openRuleTable({ directory: '/tmp' }, { name: 'tp', signal: AbortSignal.timeout(5000) })
      .catch((error) => console.log(error.code));`;
  const node = [process.execPath, '--input-type=module', '-e', script] as const;
  const [command, ...rest] = node;
  assert.equal(execFileSync(command, rest, { stdio: 'pipe' }).toString().trim(), 'NotPermitted');
});
