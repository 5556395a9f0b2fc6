import * as v from 'valibot';

import type { RunTool } from '#host/run-tool.ts';

/** A rule that keeps out what comes in by a bridge, and how to let it in. */
export interface FirewallRule {
  readonly what: string;
  readonly hint: string;
}

const chainList = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    nftables: v.array(
      v.object({
        chain: v.optional(
          v.object({
            family: v.string(),
            table: v.string(),
            name: v.string(),
            hook: v.optional(v.string()),
            policy: v.optional(v.string()),
          }),
        ),
      }),
    ),
  }),
);

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly policy?: string | undefined;
}

interface Deps {
  readonly runTool: RunTool;
  /** `/proc/net/ip_tables_names`; empty where there is none. */
  readonly readLegacyTables: () => Promise<string>;
}

/** Looks for the chain that drops what is for this machine. Undefined where none is found that does. */
export async function findFirewallRule(
  { runTool, readLegacyTables }: Deps,
  { bridge, ownTable }: { readonly bridge: string; readonly ownTable: string },
  signal: AbortSignal,
): Promise<FirewallRule | undefined> {
  const listed = await runTool({ command: 'nft', args: ['-j', 'list', 'chains'] }, signal);
  const chains = inputChains(listed).filter(({ table }) => table !== ownTable);
  const found: { readonly chain: Chain; readonly text: string }[] = [];
  for (const chain of chains) {
    const args = ['list', 'chain', chain.family, chain.table, chain.name];
    found.push({ chain, text: await runTool({ command: 'nft', args }, signal).catch(() => '') });
  }
  const blocking =
    found.find(({ chain }) => chain.policy === 'drop') ??
    found.find(({ text }) => /\b(?:drop|reject)\b/.test(text));
  if (blocking !== undefined) return describeChain(blocking, bridge);
  const legacy = (await readLegacyTables()).split('\n').includes('filter');
  return legacy
    ? { what: 'a rule of iptables-legacy', hint: iptables('iptables-legacy', bridge) }
    : undefined;
}

/** The chains that see what is for this machine itself, from what `nft -j list chains` printed. */
export function inputChains(json: string): Chain[] {
  const parsed = v.safeParse(chainList, json);
  if (!parsed.success) return [];
  return parsed.output.nftables.flatMap(({ chain }) => {
    const isOurs = chain !== undefined && ['ip', 'inet'].includes(chain.family);
    return isOurs && chain.hook === 'input' ? [chain] : [];
  });
}

/** In people's words, and in those of the program whose chain it is. */
export function describeChain(
  { chain, text }: { readonly chain: Chain; readonly text: string },
  bridge: string,
): FirewallRule {
  const { family, table, name } = chain;
  const how = chain.policy === 'drop' ? ' (policy drop)' : '';
  const what = `chain ${name} of table ${family} ${table}${how}`;
  if (text.includes('ufw-')) return { what, hint: `sudo ufw allow in on ${bridge}` };
  if (table === 'firewalld') {
    const hint = `sudo firewall-cmd --zone=trusted --change-interface=${bridge}`;
    return { what, hint };
  }
  if (family === 'ip' && table === 'filter' && name === 'INPUT') {
    return { what, hint: iptables('iptables', bridge) };
  }
  const rule = `iifname ${bridge} ct status dnat accept`;
  return { what, hint: `sudo nft insert rule ${family} ${table} ${name} ${rule}` };
}

/** What was sent on to a listener of this machine, and no more. */
function iptables(program: string, bridge: string): string {
  return `sudo ${program} -I INPUT -i ${bridge} -m conntrack --ctstate DNAT -j ACCEPT`;
}
