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
 * IPv4 only: a taken port's IPv6 connections stay with the app.
 */
export function agentRules(): string {
  return `add table inet ${agentTable}
delete table inet ${agentTable}
table inet ${agentTable} {
  set on { type inet_service; size 1024; flags dynamic,timeout; }
  set settling { type inet_service; size 1024; flags dynamic,timeout; }
  set grace { type inet_service; size 1024; flags dynamic,timeout; }
  set busy { type ipv4_addr . inet_service . inet_service; size 65536; flags dynamic,timeout; }
  set closing { type ipv4_addr . inet_service . inet_service; size 65536; flags dynamic,timeout; }

  chain taken {
    type nat hook prerouting priority dstnat; policy accept;
    meta nfproto ipv4 tcp dport @on redirect to :${agentRedirectPort}
  }

  chain output {
    type filter hook output priority filter; policy accept;
    meta nfproto ipv4 tcp sport ${agentRedirectPort} tcp sequence 0 tcp flags & (rst | ack) == (rst | ack) ct status & dnat != 0 goto nobody_listens
    ip daddr ${knockOnAddress} meta skgid ${agentGroup} udp dport != ${agentRedirectPort} update @on { udp dport timeout ${knockTimeoutMs}ms } drop
    ip daddr ${knockOffAddress} meta skgid ${agentGroup} delete @on { udp dport } drop
    ip daddr ${knockCutAddress} meta skgid ${agentGroup} update @grace { udp dport timeout ${switchGraceMs}ms } update @settling { udp dport timeout ${switchIdleMs}ms } drop
    meta nfproto ipv4 oif != "lo" tcp sport @on ct direction reply ct state established ct status & dnat == 0 goto app_to_client
  }

  chain input {
    type filter hook input priority filter; policy accept;
    meta nfproto ipv4 iif != "lo" tcp dport @on ct direction original ct state established ct status & dnat == 0 goto client_to_app
  }

  chain nobody_listens {
    meta l4proto tcp delete @on { ct original proto-dst }
    tcp flags set ack tcp ackseq set 0 accept
  }

${direction('client_to_app', 'ip saddr . tcp sport . tcp dport', 'tcp dport')}

${direction('app_to_client', 'ip daddr . tcp dport . tcp sport', 'tcp sport')}
}
`;
}

/** What becomes of a packet of a connection that was open before its port was taken. */
function direction(chain: string, connection: string, port: string): string {
  const stillBusy = `update @busy { ${connection} timeout ${switchIdleMs}ms } accept`;
  return `  chain ${chain} {
    tcp flags & rst != 0 accept
    tcp flags & fin != 0 add @closing { ${connection} timeout ${switchGraceMs}ms } accept
    ${connection} @closing accept
    ${port} @settling ${stillBusy}
    ${port} @grace ${connection} @busy ${stillBusy}
    reject with tcp reset
  }`;
}
