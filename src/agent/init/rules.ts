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
/** Loopback address: a datagram to it says that connections to this port go through the agent, and stay the app's. */
export const knockTapAddress = '127.0.74.46';
/** The same, to end that. */
export const knockUntapAddress = '127.0.74.47';
/** A connection that was open at a switch ends once it has been idle for this long after an answer … */
export const switchIdleMs = 200;
/** … and after this long in any case, also while it waits for an answer. */
export const switchGraceMs = 5000;

/**
 * The rules that an init container lays once, as text for `nft -f`: one transaction that replaces
 * whatever an earlier run laid. Later the agent works them without any privilege, by datagrams to
 * itself, which the kernel drops after having read them; the sets empty themselves when it is dead.
 *
 * - `on`: ports whose new connections go to the agent, while it keeps knocking.
 * - `tapped`: the same, of ports that stay the app's: nothing of connections that are open is touched.
 * - Connections that were open at the switch carry on with the app while they are `busy`, as long
 *   as `grace` lasts: a word of the client is waited upon until then, one of the app for a moment. What
 *   the app says passes in any case as long: it may answer what was asked before the switch; so do the
 *   client's bare acknowledgements: one that waits keeps its connection alive (Node's agents after 1 s). Then the
 *   client's next packet is answered by a reset; the app's is given to the client as one, and when it
 *   sends it again the app hears so too (`told`), or its client would wait for ever. A connection that
 *   one side has ended may finish (`closing`). See docs/adr/0014.
 * - `unspoken`: connections that have just been opened and on which the client has not said anything.
 *   They are noted at all times: at a switch nobody else knows that such a one is about to be used.
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
  set tapped { type inet_service; size 1024; flags dynamic,timeout; }
  set settling { type inet_service; size 1024; flags dynamic,timeout; }
  set grace { type inet_service; size 1024; flags dynamic,timeout; }
${families.map(sets).join('\n')}

  chain taken {
    type nat hook prerouting priority dstnat; policy accept;
    ip6 daddr fe80::/10 return
    tcp dport @on redirect to :${agentRedirectPort}
    tcp dport @tapped redirect to :${agentRedirectPort}
  }

  chain output {
    type filter hook output priority filter; policy accept;
    tcp sport ${agentRedirectPort} tcp sequence 0 tcp flags & (rst | ack) == (rst | ack) ct status & dnat != 0 goto nobody_listens
    ip daddr ${knockOnAddress} meta skgid ${agentGroup} udp dport != ${agentRedirectPort} update @on { udp dport timeout ${knockTimeoutMs}ms } drop
    ip daddr ${knockOffAddress} meta skgid ${agentGroup} delete @on { udp dport } drop
    ip daddr ${knockTapAddress} meta skgid ${agentGroup} udp dport != ${agentRedirectPort} update @tapped { udp dport timeout ${knockTimeoutMs}ms } drop
    ip daddr ${knockUntapAddress} meta skgid ${agentGroup} delete @tapped { udp dport } drop
    ip daddr ${knockCutAddress} meta skgid ${agentGroup} update @grace { udp dport timeout ${switchGraceMs}ms } update @settling { udp dport timeout ${switchIdleMs}ms } drop
    oif != "lo" tcp sport @on ct direction reply ct state established ct status & dnat == 0 meta nfproto vmap { ipv4 : goto app_to_client4, ipv6 : goto app_to_client6 }
    oif != "lo" tcp flags & (syn | ack) == (syn | ack) ct direction reply ct status & dnat == 0 meta nfproto vmap { ipv4 : goto opened4, ipv6 : goto opened6 }
  }

  chain input {
    type filter hook input priority filter; policy accept;
    iif != "lo" tcp dport @on ct direction original ct state established ct status & dnat == 0 meta nfproto vmap { ipv4 : goto client_to_app4, ipv6 : goto client_to_app6 }
    iif != "lo" tcp flags & psh != 0 ct direction original meta nfproto vmap { ipv4 : goto first_word4, ipv6 : goto first_word6 }
  }

  chain nobody_listens {
    meta l4proto tcp delete @on { ct original proto-dst } delete @tapped { ct original proto-dst }
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
  set unspoken${family} { ${connection}; size 65536; flags dynamic,timeout; }
  set closing${family} { ${connection}; size 65536; flags dynamic,timeout; }
  set told${family} { ${connection}; size 65536; flags dynamic,timeout; }`;
}

function directions(family: 4 | 6): string[] {
  return [fromClient(family), fromApp(family)];
}

/** What becomes of a client's packet of a connection that was open before its port was taken. */
function fromClient(family: 4 | 6): string {
  const connection = `${family === 4 ? 'ip' : 'ip6'} saddr . tcp sport . tcp dport`;
  return `  chain client_to_app${family} {
${ending(family, connection)}
    tcp dport @settling goto client_speaks${family}
    tcp dport @grace ${connection} @busy${family} goto client_speaks${family}
    tcp dport @grace ${connection} @unspoken${family} goto client_speaks${family}
    tcp dport @grace ${saysNothing(family)} accept
    reject with tcp reset
  }

  chain client_speaks${family} {
    tcp flags & psh != 0 delete @unspoken${family} { ${connection} }
${spoken(family, connection, switchGraceMs)}
  }

  chain first_word${family} {
    delete @unspoken${family} { ${connection} }
  }`;
}

/** The same for the app's. */
function fromApp(family: 4 | 6): string {
  const connection = `${family === 4 ? 'ip' : 'ip6'} daddr . tcp dport . tcp sport`;
  return `  chain app_to_client${family} {
${ending(family, connection)}
    tcp sport @grace goto app_speaks${family}
    ${connection} @told${family} reject with tcp reset
    add @told${family} { ${connection} timeout ${toldMs}ms } tcp flags set rst | ack accept
  }

  chain app_speaks${family} {
    tcp flags & syn != 0 goto opened${family}
${spoken(family, connection, switchIdleMs)}
  }

  chain opened${family} {
    update @unspoken${family} { ${connection} timeout ${switchGraceMs}ms } accept
  }`;
}

/** Longer than an app waits before it sends once more what nobody has acknowledged. */
const toldMs = 60_000;

function ending(family: 4 | 6, connection: string): string {
  return `    tcp flags & rst != 0 accept
    tcp flags & fin != 0 add @closing${family} { ${connection} timeout ${switchGraceMs}ms } accept
    ${connection} @closing${family} accept`;
}

/** What carries something, more than an acknowledgement, keeps the connection busy for so long. */
function spoken(family: 4 | 6, connection: string, ms: number): string {
  return ['tcp flags & psh != 0', `${length(family)} > ${bareBytes[family]}`]
    .map((says) => `    ${says} update @busy${family} { ${connection} timeout ${ms}ms } accept`)
    .concat('    accept')
    .join('\n');
}

/** A bare acknowledgement, also a keep-alive's: of one whose connection waits for an answer. */
function saysNothing(family: 4 | 6): string {
  return `tcp flags & psh == 0 ${length(family)} <= ${bareBytes[family]}`;
}

const length = (family: 4 | 6): string => (family === 4 ? 'ip length' : 'ip6 length');
/** An acknowledgement with all its options is no longer, as the header of each family counts it. */
const bareBytes = { 4: 80, 6: 60 } as const;
