import { agentGroup, knockTimeoutMs } from '#protocol/agent-config.ts';

/** Our table for datagrams: of its own, so that a kernel that lacks something of it still does the other. */
export const agentUdpTable = 'telepresence_agent_udp';

/**
 * Loopback addresses to which the agent sends a datagram to take the UDP port of the same number, to renew
 * that, and to give it back. The port that it sends from is the one that the datagrams are to come to.
 */
export const knockUdpOnAddress = '127.0.74.42';
export const knockUdpOffAddress = '127.0.74.43';
export const knockUdpRenewAddress = '127.0.74.44';

/** So long after its last knock what the agent sends from its port still goes out as the app's. */
export const answerMs = 6000;

/**
 * The rules for datagrams, beside `agentRules`, as text for `nft -f`. Nothing here is remembered of a
 * client: each datagram is judged when it comes, so that a flow of old follows a switch at once, and no
 * entry of the kernel's connection tracking, which nobody in the pod may delete, can hold it.
 *
 * - `on`: ports whose datagrams go to the agent, while it keeps knocking; `to_agent`: to which of its ports.
 * - Of an agent that is dead (no socket is there) the datagram is the app's at once.
 * - `own`: the agent's ports: nobody else reaches them, and what it sends from one comes from the port that
 *   was asked (`to_port`).
 * - A datagram without a checksum is given none.
 * - An update leaves what a map says of a port as it is: who takes one deletes first what a dead agent left.
 */
export function agentUdpRules(): string {
  return `add table inet ${agentUdpTable}
delete table inet ${agentUdpTable}
table inet ${agentUdpTable} {
  set on { type inet_service; size 1024; flags dynamic,timeout; }
  set own { type inet_service; size 1024; flags dynamic,timeout; }
  map to_agent { type inet_service : inet_service; size 1024; flags dynamic,timeout; }
  map to_port { type inet_service : inet_service; size 1024; flags dynamic,timeout; }

  chain arriving {
    type filter hook prerouting priority raw; policy accept;
    iif "lo" return
    meta pkttype != host return
    ip6 daddr fe80::/10 return
    udp dport @own drop
    udp dport @on udp checksum 0 goto unsummed
    udp dport @on goto taken
  }

  chain taken {
    udp dport set udp dport map @to_agent
    socket wildcard 0 notrack accept
    udp dport set udp dport map @to_port
  }

  chain unsummed {
    udp dport set udp dport map @to_agent
    udp checksum set 0
    socket wildcard 0 notrack accept
    udp dport set udp dport map @to_port
    udp checksum set 0
  }

  chain leaving {
    type filter hook output priority raw; policy accept;
    meta skgid != ${agentGroup} return
    ip daddr ${knockUdpOnAddress} delete @on { udp dport } delete @to_agent { udp dport : udp sport } delete @to_port { udp sport : udp dport } ${taking} drop
    ip daddr ${knockUdpRenewAddress} ${taking} drop
    ip daddr ${knockUdpOffAddress} delete @on { udp dport } drop
    oif != "lo" udp sport @own notrack udp sport set udp sport map @to_port
  }
}
`;
}

const taking = [
  `update @to_port { udp sport timeout ${answerMs}ms : udp dport }`,
  `update @own { udp sport timeout ${answerMs}ms }`,
  `update @to_agent { udp dport timeout ${knockTimeoutMs}ms : udp sport }`,
  // The last: from here on datagrams come.
  `update @on { udp dport timeout ${knockTimeoutMs}ms }`,
].join(' ');
