import assert from 'node:assert/strict';
import { eventually } from './eventually.ts';
import { kubectl } from './run.ts';

/** A line of a program's log. */
interface Line {
  readonly at: number;
  readonly event: string;
  readonly role: string;
}

/**
 * How long the agents took to give their port back after the loss of the laptop was noticed: from
 * the end of its last reverse session, as the relays log it, to the last agent's `port given back`.
 * Ports that were given back by nobody are waited for.
 */
export async function failBack(
  what: string,
  options: {
    readonly since: number;
    readonly namespace: string;
    readonly agents: number;
    /** The label of its pods; `web` unless said. */
    readonly app?: string;
  },
): Promise<number> {
  const { since, namespace, agents, app = 'web' } = options;
  let tookMs = 0;
  await eventually(`${what}: given back`, 20_000, async () => {
    const [ofRelays, ofAgents] = await Promise.all([
      logOf('ambassador', 'telepresence=manager'),
      logOf(namespace, `app=${app}`, 'traffic-agent'),
    ]);
    const given = ofAgents.filter(({ at, event }) => event === 'port given back' && at >= since);
    assert.ok(given.length >= agents, `${String(given.length)} of ${String(agents)} agents`);
    const last = Math.max(...given.map(({ at }) => at));
    const noticed = ofRelays.filter(
      ({ at, event, role }) =>
        event === 'session ended' && role === 'reverse' && at >= since && at <= last,
    );
    assert.notEqual(noticed.length, 0, 'nobody has noticed');
    tookMs = last - Math.max(...noticed.map(({ at }) => at));
    const afterMs = Math.max(...noticed.map(({ at }) => at)) - since;
    console.log(
      `${what}: noticed after ${String(afterMs)} ms, given back ${String(tookMs)} ms after that`,
    );
  });
  return tookMs;
}

async function logOf(namespace: string, label: string, container?: string): Promise<Line[]> {
  const from = container === undefined ? ['--all-containers'] : ['-c', container];
  const text = await kubectl('logs', '-n', namespace, '-l', label, '--tail=-1', ...from);
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const { time, event, role } = Object.fromEntries(Object.entries(JSON.parse(line)));
    return [{ at: Date.parse(String(time)), event: String(event), role: String(role) }];
  });
}
