import {
  agentGroup,
  agentRedirectPort,
  knockOffAddress,
  knockOnAddress,
  knockTimeoutMs,
} from '#protocol/agent-config.ts';

/** Our table in the pod's network namespace. */
export const agentTable = 'telepresence_agent';

/** Loopback address: a datagram to it says that connections open on this port are to end. */
export const knockCutAddress = '127.0.74.41';
/** A connection that was open at a switch ends once it has been idle for this long … */
export const switchIdleMs = 200;
/** … and after this long in any case. */
export const switchGraceMs = 5000;

/**
 * The rules that an init container lays once, as text for `nft -f`: one transaction that replaces
 * whatever an earlier run laid. Later the agent works them without any privilege, by datagrams to
 * itself, which the kernel drops after having read them; the sets empty themselves when it is dead.
 *
 * - `on`: ports whose new connections go to the agent, while it keeps knocking.
 * - Connections that were open at the switch carry on with the app while they are `busy`, as long
 *   as `grace` lasts; then the next packet of either side is answered by a reset. A connection that
 *   one side has ended may finish (`closing`).
 * - An agent that died without a word: its port's first refusal (a RST without a sequence number) gives
 *   the port back and goes out as an ACK that fits nothing, to which Linux sends its SYN again at once:
 *   the app answers that. Others send it again after their second.
 *
 * IPv6 as IPv4, but for link-local addresses, on which the agent does not listen.
 */
export function agentRules(): string {
  return `add table inet ${agentTable}
delete table inet ${agentTable}
table inet ${agentTable} {
  set on { type inet_service; size 1024; flags dynamic,timeout; }
  set settling { type inet_service; size 1024; flags dynamic,timeout; }
  set grace { type inet_service; size 1024; flags dynamic,timeout; }
${families.map(sets).join('\n')}

  chain taken {
    type nat hook prerouting priority dstnat; policy accept;
    ip6 daddr fe80::/10 return
    tcp dport @on redirect to :${agentRedirectPort}
  }

  chain output {
    type filter hook output priority filter; policy accept;
    tcp sport ${agentRedirectPort} tcp sequence 0 tcp flags & (rst | ack) == (rst | ack) ct status & dnat != 0 goto nobody_listens
    ip daddr ${knockOnAddress} meta skgid ${agentGroup} udp dport != ${agentRedirectPort} update @on { udp dport timeout ${knockTimeoutMs}ms } drop
    ip daddr ${knockOffAddress} meta skgid ${agentGroup} delete @on { udp dport } drop
    ip daddr ${knockCutAddress} meta skgid ${agentGroup} update @grace { udp dport timeout ${switchGraceMs}ms } update @settling { udp dport timeout ${switchIdleMs}ms } drop
    oif != "lo" tcp sport @on ct direction reply ct state established ct status & dnat == 0 meta nfproto vmap { ipv4 : goto app_to_client4, ipv6 : goto app_to_client6 }
  }

  chain input {
    type filter hook input priority filter; policy accept;
    iif != "lo" tcp dport @on ct direction original ct state established ct status & dnat == 0 meta nfproto vmap { ipv4 : goto client_to_app4, ipv6 : goto client_to_app6 }
  }

  chain nobody_listens {
    meta l4proto tcp delete @on { ct original proto-dst }
    tcp flags set ack tcp ackseq set 0 accept
  }

${families.flatMap(directions).join('\n\n')}
}
`;
}

const families = [4, 6] as const;

function sets(family: 4 | 6): string {
  const connection = `type ipv${family}_addr . inet_service . inet_service`;
  return `  set busy${family} { ${connection}; size 65536; flags dynamic,timeout; }
  set closing${family} { ${connection}; size 65536; flags dynamic,timeout; }`;
}

function directions(family: 4 | 6): string[] {
  const ip = family === 4 ? 'ip' : 'ip6';
  return [
    direction(family, {
      chain: 'client_to_app',
      connection: `${ip} saddr . tcp sport . tcp dport`,
      port: 'tcp dport',
    }),
    direction(family, {
      chain: 'app_to_client',
      connection: `${ip} daddr . tcp dport . tcp sport`,
      port: 'tcp sport',
    }),
  ];
}

/** What becomes of a packet of a connection that was open before its port was taken. */
function direction(
  family: 4 | 6,
  way: { readonly chain: string; readonly connection: string; readonly port: string },
): string {
  const { chain, connection, port } = way;
  const stillBusy = `update @busy${family} { ${connection} timeout ${switchIdleMs}ms } accept`;
  return `  chain ${chain}${family} {
    tcp flags & rst != 0 accept
    tcp flags & fin != 0 add @closing${family} { ${connection} timeout ${switchGraceMs}ms } accept
    ${connection} @closing${family} accept
    ${port} @settling ${stillBusy}
    ${port} @grace ${connection} @busy${family} ${stillBusy}
    reject with tcp reset
  }`;
}
