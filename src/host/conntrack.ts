import { HostError } from './errors.ts';
import type { RunTool } from './run-tool.ts';

/**
 * Makes the kernel forget the UDP flows to port 53: a flow keeps the redirection, or the lack of
 * one, that its first packet met. False where the tool is missing: old flows then last until they
 * have been idle for two minutes.
 */
export async function forgetDnsFlows(
  deps: { readonly runTool: RunTool },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await deps.runTool(
      { command: 'conntrack', args: ['-D', '-p', 'udp', '--dport', '53'] },
      signal,
    );
    return true;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    // It fails when there was nothing to delete, too.
    return error.code === 'ToolFailed' && error.message.includes('0 flow entries');
  }
}
