import { run } from '../images/command.ts';
import { addresses, frontPorts, ports, wireOf, type Laptop } from './addresses.ts';
import { denyEgressRules } from './deny-egress.ts';
import { runIn, type Machine } from './machine.ts';

/** Gives the cluster's machine its addresses and lets it forward packets between its pods. */
export async function setUpClusterNetwork(cluster: Machine, signal: AbortSignal): Promise<void> {
  await shell(
    cluster,
    `
    ip link set lo up
    # Nobody else can have our addresses: they need not be asked about first.
    echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
    echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
    # Bridges without ports stand in for dummy devices, which not every kernel has.
    ip link add node0 type bridge
    ip addr add ${addresses.node}/24 dev node0
    ip addr add ${addresses.nodeV6}/64 dev node0 nodad
    ip link set node0 up
    ip link add outside0 type bridge
    ip addr add ${addresses.outsideWeb}/24 dev outside0
    ip addr add ${addresses.outsideDns}/24 dev outside0
    ip link set outside0 up
    echo 1 >/proc/sys/net/ipv4/ip_forward
    # A Service's address needs some route before kube-proxy's rules see the packet.
    ip route add ${addresses.serviceCidr} dev node0 src ${addresses.node}
    ip route add ${addresses.serviceCidrV6} dev node0 src ${addresses.nodeV6}
    ip route add unreachable default metric 1000
    `,
    signal,
  );
  await runIn(cluster, ['nft', '-f', '-'], { signal, input: denyEgressRules });
}

/** Lays the wire between a laptop and the cluster, and routes everything of the laptop to it. */
export async function connectLaptop(
  machines: { readonly cluster: Machine; readonly laptop: Machine },
  laptop: Laptop,
  signal: AbortSignal,
): Promise<void> {
  const wire = wireOf(laptop);
  await shell(
    machines.cluster,
    `
    ip link add ${wire.device} type veth peer name eth0
    ip addr add ${wire.gateway}/30 dev ${wire.device}
    ip link set ${wire.device} up
    `,
    signal,
  );
  // Only the real machine sees both, so the other end is moved from there.
  await moveEnd(machines, signal);
  await shell(
    machines.laptop,
    `
    ip link set lo up
    ip addr add ${wire.laptop}/30 dev eth0
    ip link set eth0 up
    ip route add default via ${wire.gateway}
    `,
    signal,
  );
  await isolate(machines.cluster, wire.device, signal);
}

/**
 * A laptop reaches the API server and what is outside, and nothing else of the cluster; nothing in
 * the cluster opens a connection to a laptop.
 */
async function isolate(cluster: Machine, device: string, signal: AbortSignal): Promise<void> {
  const tcp = [...Object.values(ports), ...Object.values(frontPorts)].join(', ');
  await runIn(cluster, ['nft', '-f', '-'], {
    signal,
    input: `
      table inet playground-${device} {
        chain from-laptop {
          type filter hook prerouting priority -310; policy accept;
          iifname != "${device}" accept
          ip daddr ${addresses.outsideCidr} accept
          ip daddr ${addresses.gateway} tcp dport { ${tcp} } accept
          ip daddr ${addresses.gateway} udp dport ${ports.dns} accept
          ip daddr ${addresses.gateway} icmp type echo-request accept
          drop
        }
        chain forward-to-laptop {
          type filter hook forward priority 0; policy accept;
          oifname "${device}" ct state new drop
        }
        chain to-laptop {
          type filter hook output priority 0; policy accept;
          oifname "${device}" ct state new drop
        }
      }`,
  });
}

async function moveEnd(
  machines: { readonly cluster: Machine; readonly laptop: Machine },
  signal: AbortSignal,
): Promise<void> {
  const inNetwork = ['nsenter', `--net=/proc/${machines.cluster.pid}/ns/net`, '--'];
  const move = ['ip', 'link', 'set', 'eth0', 'netns', String(machines.laptop.pid)];
  await run([...inNetwork, ...move], { signal });
}

async function shell(machine: Machine, script: string, signal: AbortSignal): Promise<void> {
  await runIn(machine, ['sh', '-eu'], { signal, input: script });
}
