/**
 * Says which part of the kernel this container or machine lacks, as one line of JSON; started in a
 * container of our own image with the rights that the daemon's will have.
 */
import { describe } from '#base/errors.ts';
import { openLibc } from '#host/libc.ts';
import { runTool } from '#host/run-tool.ts';
import { openTun } from '#host/tun.ts';
import { selfTest, selfTestReport } from './self-test/self-test.ts';

try {
  const tools = { libc: openLibc(), runTool };
  const options = { name: 'tel-probe', ownerUid: process.getuid?.() ?? 0 };
  const deps = {
    runTool,
    openTun: (signal: AbortSignal) => openTun(tools, { ...options, signal }),
  };
  const missing = await selfTest(deps, AbortSignal.timeout(20_000));
  process.stdout.write(`${selfTestReport(missing)}\n`);
  process.exitCode = missing.length === 0 ? 0 : 3;
} catch (error) {
  process.stderr.write(`self-test: error: ${describe(error)}\n`);
  process.exitCode = 1;
}
