import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  ContainerBridgeSchema,
  DesiredSchema,
  type ContainerBridge,
  type Desired,
} from '#protocol/gen/telepresence_pb.ts';
import { parseIp, type IpAddress } from '#protocol/ip-address.ts';
import { RootDaemonError } from '../errors.ts';
import { planOf } from '../plan.ts';
import { rulesChange } from './change.ts';
import { rulesOf, type Rules } from './rules.ts';
import { endpointText, rulesText } from './rules-text.ts';

const address = (text: string): IpAddress => {
  const parsed = parseIp(text);
  assert(parsed !== undefined);
  return parsed;
};
const desired = (fields: Partial<Omit<Desired, '$typeName' | '$unknown'>> = {}): Desired =>
  create(DesiredSchema, {
    redirectPort: 4000,
    subnets: ['10.96.0.0/12', '10.244.0.0/16', 'fd00::/64'],
    alsoProxy: ['192.0.2.7'],
    neverProxy: ['10.96.5.0/24'],
    neverPorts: [{ address: '10.96.0.1', port: 443 }],
    serviceSubnets: ['10.96.0.0/12'],
    openServices: [
      { address: '10.96.0.10', port: 53 },
      { address: '10.96.0.9', port: 80 },
    ],
    ...fields,
  });
const bridge = (device: string): ContainerBridge =>
  create(ContainerBridgeSchema, { device, listeners: [{ address: '172.17.0.1', port: 4100 }] });
const machine = {
  spared: [address('198.18.0.1')],
  names: { nameservers: [address('10.0.0.53'), address('127.0.0.53')], port: 4053 },
  gate: 'zone',
} as const;

test('the rules as nft text', () => {
  assert.equal(
    rulesText(rulesOf(planOf(desired()), machine)),
    `set routed4 { type ipv4_addr; flags interval; auto-merge; elements = { 10.96.0.0/12, 10.244.0.0/16, 192.0.2.7/32 }; }
set spared4 { type ipv4_addr; flags interval; auto-merge; elements = { 10.96.5.0/24, 198.18.0.1/32 }; }
set spared_ports4 { type ipv4_addr . inet_service;  elements = { 10.96.0.1 . 443 }; }
set services4 { type ipv4_addr; flags interval; auto-merge; elements = { 10.96.0.0/12 }; }
set open4 { type ipv4_addr . inet_service;  elements = { 10.96.0.10 . 53, 10.96.0.9 . 80 }; }
set nameservers4 { type ipv4_addr;  elements = { 10.0.0.53, 127.0.0.53 }; }
set names_alive { type inet_service; timeout 3s; elements = { 53 }; }
chain own {
type filter hook output priority -300; policy accept;
meta skgid 7438 meta l4proto { tcp, udp } th dport 53 ct original zone set 7439
}
chain refuse {
type filter hook output priority -120; policy accept;
ct state != new return
meta l4proto != tcp return
ip daddr @spared4 return
ip daddr . tcp dport @spared_ports4 return
ip daddr @services4 ip daddr . tcp dport != @open4 reject with tcp reset
}
chain divert {
type nat hook output priority -110; policy accept;
meta skgid 7438 return
ip daddr @nameservers4 meta l4proto { tcp, udp } th dport @names_alive redirect to :4053
ip daddr @spared4 return
ip daddr . tcp dport @spared_ports4 return
ip daddr @routed4 meta l4proto tcp redirect to :4000
}
chain pass {
type filter hook forward priority -110; policy accept;
oifname "tel0" reject with icmpx admin-prohibited
iifname "tel0" drop
}`,
  );
});

test('containers: by the bridge that they come from, to listeners that nobody else reaches', () => {
  const at = (port: number) => ({ address: address('172.17.0.1'), port });
  const bridges = [{ device: 'docker0', flows: [at(4100)], names: [at(4101)] }];
  const bridgeNameservers = [address('198.18.0.1')];
  const facts = { ...machine, names: undefined, bridges, bridgeNameservers };
  const text = rulesText(rulesOf(planOf(desired({ gate: true })), facts));
  assert.ok(
    text.endsWith(`chain pass {
type filter hook forward priority -110; policy accept;
oifname "tel0" iifname != { "docker0" } reject with icmpx admin-prohibited
iifname "tel0" oifname != { "docker0" } drop
}
chain bridge_depart {
type filter hook prerouting priority -300; policy accept;
iifname != { "docker0" } return
tcp flags & (fin|syn|rst|ack) != syn return
ip daddr @spared4 return
ip daddr . tcp dport @spared_ports4 return
ip daddr @services4 return
ip daddr @routed4 ip daddr . tcp dport != @dialled4 ct zone set 7438
}
chain bridge_refuse {
type filter hook prerouting priority -120; policy accept;
iifname != { "docker0" } return
ct state != new return
meta l4proto != tcp return
ip daddr @spared4 return
ip daddr . tcp dport @spared_ports4 return
ip daddr @services4 ip daddr . tcp dport != @open4 reject with tcp reset
}
chain bridge_divert {
type nat hook prerouting priority -110; policy accept;
iifname != { "docker0" } return
ct zone 7438 return
iifname "docker0" ip daddr @bridge_nameservers4 meta l4proto { tcp, udp } th dport @names_alive dnat ip to 172.17.0.1:4101
ip daddr @spared4 return
ip daddr . tcp dport @spared_ports4 return
iifname "docker0" ip daddr @routed4 meta l4proto tcp dnat ip to 172.17.0.1:4100
}
chain bridge_guard {
type filter hook input priority -110; policy accept;
iifname != "docker0" ip daddr 172.17.0.1 tcp dport 4100 reject with tcp reset
iifname != "docker0" ip daddr 172.17.0.1 udp dport 4100 reject
iifname != "docker0" ip daddr 172.17.0.1 tcp dport 4101 reject with tcp reset
iifname != "docker0" ip daddr 172.17.0.1 udp dport 4101 reject
}`),
    text,
  );
  assert.match(text, /set names_alive .* elements = \{ 53 \}/);
  assert.match(text, /set bridge_nameservers4 .*198\.18\.0\.1/);
});

test('a bridge with a name that the kernel does not give is none', () => {
  for (const device of ['a" accept; x', '', 'longer-than-sixteen']) {
    assert.throws(() => planOf(desired({ bridges: [bridge(device)] })), { code: 'BadDesired' });
  }
});

test('the gate: first SYNs go to the device, which opens and shuts it', () => {
  const text = (gate: 'zone' | 'untracked', more: Partial<Desired> = {}): string =>
    rulesText(rulesOf(planOf(desired({ gate: true, ...more })), { ...machine, gate }));
  assert.ok(
    text('zone')
      .includes(`set dialled4 { type ipv4_addr . inet_service; size 65535; flags dynamic,timeout; timeout 30s; }
chain depart {
type filter hook output priority -300; policy accept;
tcp flags & (fin|syn|rst|ack) != syn return
ip daddr @spared4 return
ip daddr . tcp dport @spared_ports4 return
ip daddr @services4 return
ip daddr @routed4 ip daddr . tcp dport != @dialled4 ct zone set 7438
}
chain arrive {
type filter hook prerouting priority -300; policy accept;
iifname != "tel0" return
ip saddr @routed4 tcp flags == 0 update @dialled4 { ip saddr . tcp sport } drop
ip saddr @routed4 tcp flags == 1 delete @dialled4 { ip saddr . tcp sport } drop
meta l4proto tcp ct zone set 7438
icmp type 3 @th,136,8 6 ct zone set 7438
}
chain own {`),
  );
  assert.match(text('zone'), /meta skgid 7438 return\nct zone 7438 return\n/);
  assert.doesNotMatch(text('untracked'), /zone/);
  assert.match(text('untracked'), /tcp dport != @dialled4 notrack\n/);
  const nobodyToRedirectTo = { redirectPort: 0, subnets: [], alsoProxy: [] };
  assert.doesNotMatch(text('zone', nobodyToRedirectTo), /depart/);
});

test('an empty desire is a table that does nothing', () => {
  const rules = rulesOf(planOf(create(DesiredSchema)), {
    spared: [],
    names: undefined,
    gate: 'zone',
  });
  assert.doesNotMatch(rulesText(rules), /redirect|reject|set /);
});

test('a desire that makes no sense is refused by what is wrong with it', () => {
  const wrong: [Partial<Desired>, RegExp][] = [
    [{ subnets: ['10.96.0.0/33'] }, /not a subnet: 10\.96\.0\.0\/33/],
    [{ subnets: ['10.0.0.1; flush ruleset'] }, /not a subnet/],
    [{ subnets: ['0.0.0.0/0'] }, /Internet/],
    [{ redirectPort: 0 }, /without a port/],
    [{ redirectPort: 65_536 }, /not a port/],
    [
      { openServices: [{ $typeName: 'telepresence.v1.AddressPort', address: 'x', port: 1 }] },
      /not an address: x/,
    ],
  ];
  for (const [fields, message] of wrong) {
    assert.throws(
      () => planOf(desired(fields)),
      (error) => error instanceof RootDaemonError && message.test(error.message),
    );
  }
});

const endpoints = fc.uniqueArray(
  fc.record({
    address: fc.nat(30).map((byte) => address(`10.96.0.${byte}`)),
    port: fc.constantFrom(53, 80, 443),
  }),
  { selector: endpointText },
);

test('element changes lead from any set of open services to any other', () => {
  const base = rulesOf(planOf(desired()), machine);
  fc.assert(
    fc.property(endpoints, endpoints, (before, after) => {
      const change = rulesChange(
        { ...base, openServices: before },
        { ...base, openServices: after },
      );
      const set = new Set(before.map(endpointText));
      if (change.kind === 'elements') {
        for (const { kind, element } of change.changes) {
          if (kind === 'add') set.add(element);
          else set.delete(element);
        }
      }
      assert.notEqual(change.kind, 'table');
      assert.deepEqual([...set].sort(), after.map(endpointText).sort());
    }),
  );
});

test('any other difference is a new table, none is nothing', () => {
  const base = rulesOf(planOf(desired()), machine);
  const others: Rules[] = [
    { ...base, redirectPort: 4001 },
    { ...base, routed: [] },
    { ...base, spared: [] },
    { ...base, sparedPorts: [] },
    { ...base, services: [] },
    { ...base, names: undefined },
    { ...base, gate: 'untracked' },
  ];
  for (const other of others) assert.equal(rulesChange(base, other).kind, 'table');
  assert.equal(rulesChange(undefined, base).kind, 'table');
  assert.equal(rulesChange(base, { ...base }).kind, 'none');
});
