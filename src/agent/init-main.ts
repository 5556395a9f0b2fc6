import { systemClock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { createLogger } from '#base/log.ts';

import { ownAddresses } from './config.ts';
import { applyRules, refuseHostNetwork } from './init/apply.ts';
import { agentRules } from './init/rules.ts';
import { agentUdpRules } from './init/udp-rules.ts';

/**
 * The init container's program: lays the rules and ends. Needs NET_ADMIN, and nothing else. It never
 * fails, which would keep the app from starting: without rules the agent takes nothing and says why.
 */
const log = createLogger(
  { clock: systemClock, write: (line) => process.stdout.write(line) },
  { level: 'info', fields: { program: 'agent-init' } },
);
const ending = new AbortController();
process.on('SIGTERM', () => ending.abort(new Error('SIGTERM')));
try {
  refuseHostNetwork(ownAddresses(process.env));
  await lay('rules', agentRules());
  await lay('rules for UDP', agentUdpRules());
} catch (error) {
  log.error('rules not laid', { reason: describe(error) });
}

/** What a kernel does not have of one must not keep the other from its ports. */
async function lay(what: string, rules: string): Promise<void> {
  try {
    await applyRules({ rules, nft: 'nft' }, ending.signal);
    log.info(`${what} laid`);
  } catch (error) {
    log.error(`${what} not laid`, { reason: describe(error) });
  }
}
