/**
 * The cluster's programs in one file, chosen by the first word. Each is loaded only when it is
 * asked for: the agent of every pod must not carry the manager.
 */
const programs = {
  manager: async () => await import('#manager/main.ts'),
  relay: async () => await import('#manager/main.ts'),
  agent: async () => await import('#agent/main.ts'),
  'agent-init': async () => await import('#agent/init-main.ts'),
} as const;

const asked = process.argv[2] ?? '';
const found = Object.entries(programs).find(([name]) => name === asked)?.[1];
if (found === undefined) {
  process.stderr.write(`tel2: error: not one of ${Object.keys(programs).join(', ')}: "${asked}"\n`);
  process.exit(2);
}
// Each reads its own arguments as if it had been started by its own file; the relay is the manager's.
if (asked !== 'relay') process.argv.splice(2, 1);
await found();
