import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIp } from '#protocol/ip-address.ts';
import { HostError } from './errors.ts';
import { findServiceAddresses } from './kube-proxy.ts';
import { parseRoutes } from './routes.ts';
import { formatSubnet } from './subnets.ts';
import { nameOfUser } from './user-names.ts';

test('routes are what carries traffic somewhere; default routes are gateways only', () => {
  const { routes, defaultGateways } = parseRoutes(
    JSON.stringify([
      { dst: 'default', gateway: '192.0.2.1', dev: 'eth0', flags: [] },
      { dst: '10.244.0.0/24', dev: 'cni0', protocol: 'kernel', scope: 'link', flags: [] },
      { dst: '10.9.8.7', dev: 'lo', type: 'local', table: 'local', flags: [] },
      { type: 'unreachable', dst: '10.0.0.0/8', dev: 'lo', metric: 1024, flags: [] },
      { type: 'broadcast', dst: '10.244.0.255', dev: 'cni0', flags: [] },
      { dst: '10.5.0.0/16', nexthops: [{ gateway: '192.0.2.7', dev: 'eth0' }], flags: [] },
    ]),
  );
  assert.deepEqual(defaultGateways, ['192.0.2.1']);
  assert.deepEqual(
    routes.map(({ subnet, text }) => [formatSubnet(subnet), text]),
    [
      ['10.244.0.0/24', '10.244.0.0/24 dev cni0'],
      ['10.9.8.7/32', '10.9.8.7 dev lo'],
      ['10.5.0.0/16', '10.5.0.0/16 dev '],
    ],
  );
  assert.deepEqual(parseRoutes('').routes, []);
  assert.throws(() => parseRoutes('[{"dev":1}]'), HostError);
});

test("a local cluster's service addresses are found in both kinds of kube-proxy rules", () => {
  const iptables = `table ip nat {
\tchain PREROUTING {
\t\ttype nat hook prerouting priority dstnat; policy accept;
\t\tcounter packets 5 bytes 300 jump KUBE-SERVICES
\t}

\tchain KUBE-SERVICES {
\t\tmeta l4proto tcp ip daddr 10.96.0.1  tcp dport 443 counter packets 0 bytes 0 jump KUBE-SVC-NPX46M4PTMTKRN6Y
\t\tip daddr 10.96.0.10 udp dport 53 counter jump KUBE-SVC-TCOU7JCQXEZGVUNU
\t\tcounter jump KUBE-NODEPORTS
\t}

\tchain KUBE-POSTROUTING {
\t\tip daddr 10.1.1.1 return
\t}
}`;
  const nftables = `table ip kube-proxy {
\tmap service-ips {
\t\ttype ipv4_addr . inet_proto . inet_service : verdict
\t\telements = { 10.43.0.1 . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https,
\t\t\t     10.43.0.10 . udp . 53 : goto service-NWBZK7IH-kube-system/kube-dns/udp/dns }
\t}
}`;
  const found = (listing: string): string[] => findServiceAddresses(listing).map(formatIp);
  assert.deepEqual(found(iptables), ['10.96.0.1', '10.96.0.10']);
  assert.deepEqual(found(nftables), ['10.43.0.1', '10.43.0.10']);
  assert.deepEqual(found(''), []);
});

test('a user without an entry is a number', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n';
  assert.equal(nameOfUser(passwd, 1000), 'anna');
  assert.equal(nameOfUser(passwd, 1001), 'user 1001');
});
