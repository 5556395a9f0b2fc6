import { describe } from '#base/errors.ts';
import type { RunTool } from '#host/run-tool.ts';
import type { TunDevice } from '#host/tun.ts';
import { kernelPieces } from './pieces.ts';

/** Something that this machine lacks; `reason` is its own complaint. */
export interface Missing {
  readonly piece: string;
  readonly option: string;
  readonly reason: string;
}

interface SelfTestDeps {
  readonly runTool: RunTool;
  readonly openTun: (signal: AbortSignal) => Promise<TunDevice>;
}

/**
 * Tries each part of the kernel that the daemons need: the device for a moment, the rules without
 * leaving any (`nft --check` has the kernel look at them and forget them).
 */
export async function selfTest(
  deps: SelfTestDeps,
  signal: AbortSignal,
): Promise<readonly Missing[]> {
  const missing: Missing[] = [];
  try {
    await using _device = await deps.openTun(signal);
  } catch (error) {
    missing.push({ piece: 'TUN devices', option: 'CONFIG_TUN', reason: describe(error) });
  }
  for (const { name, option, rules } of kernelPieces) {
    const input = `table inet telepresence-probe {\n${rules}\n}\n`;
    try {
      await deps.runTool({ command: 'nft', args: ['--check', '--file', '-'], input }, signal);
    } catch (error) {
      signal.throwIfAborted();
      missing.push({ piece: name, option, reason: describe(error) });
      // Without tables at all nothing more is to be learnt.
      if (name === kernelPieces[0]?.name) break;
    }
  }
  return missing;
}

/** What whoever started the self-test reads: one line. */
export function selfTestReport(missing: readonly Missing[]): string {
  return JSON.stringify({ telepresenceSelfTest: 1, missing });
}
