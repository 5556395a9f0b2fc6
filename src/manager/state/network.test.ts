import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { contains, parseIp, parseSubnet } from '#protocol/ip-address.ts';
import { nodeObject, podObject, serviceCidrObject, serviceObject } from './cluster-objects.ts';
import { networkOf, type Network } from './network.ts';

interface Sample {
  readonly cidrs?: readonly string[];
  readonly clusterIPs?: readonly string[];
  readonly nodes?: readonly string[];
  readonly pods?: readonly { readonly ip: string; readonly hostNetwork?: boolean }[];
  readonly podCIDRs?: readonly string[];
}

function network(sample: Sample): Network {
  const metadata = { name: 'x' };
  return networkOf({
    serviceCidrs: [v.parse(serviceCidrObject, { metadata, spec: { cidrs: sample.cidrs } })],
    services: (sample.clusterIPs ?? []).map((ip) =>
      v.parse(serviceObject, { metadata, spec: { clusterIPs: [ip] } }),
    ),
    nodes: (sample.nodes ?? []).map((cidr) =>
      v.parse(nodeObject, { metadata, spec: { podCIDRs: [cidr] } }),
    ),
    pods: (sample.pods ?? []).map(({ ip, hostNetwork }) =>
      v.parse(podObject, {
        metadata,
        spec: { containers: [], hostNetwork },
        status: { podIP: ip },
      }),
    ),
    podCIDRs: sample.podCIDRs ?? [],
  });
}

test('what the cluster says is taken as it is', () => {
  assert.deepEqual(
    network({
      cidrs: ['10.96.0.0/16', 'fd00:10::/112'],
      clusterIPs: ['10.96.3.4', 'None'],
      nodes: ['10.244.1.0/24', '10.244.0.0/24'],
      pods: [{ ip: '10.244.1.7' }, { ip: '192.168.0.1', hostNetwork: true }],
    }),
    {
      serviceSubnets: ['10.96.0.0/16', 'fd00:10::/112'],
      podSubnets: ['10.244.0.0/24', '10.244.1.0/24'],
    },
  );
});

test('what nobody says is guessed around the addresses; the admin’s word ends guessing', () => {
  assert.deepEqual(
    network({ clusterIPs: ['10.43.0.1', '10.43.7.8'], pods: [{ ip: '10.42.1.7' }] }),
    { serviceSubnets: ['10.43.0.0/16'], podSubnets: ['10.42.1.0/24'] },
  );
  assert.deepEqual(
    network({ podCIDRs: ['10.0.0.0/8'], nodes: ['10.1.0.0/16'], pods: [{ ip: '11.0.0.1' }] }),
    { serviceSubnets: [], podSubnets: ['10.0.0.0/8'] },
  );
});

test('a subnet within another is not told twice', () => {
  const { serviceSubnets } = network({ cidrs: ['10.96.1.0/24', '10.96.0.0/16', '10.96.0.0/16'] });
  assert.deepEqual(serviceSubnets, ['10.96.0.0/16']);
});

test('every address is covered by exactly one subnet', () => {
  fc.assert(
    fc.property(fc.array(fc.ipV4(), { maxLength: 20 }), (ips) => {
      const { podSubnets } = network({ pods: ips.map((ip) => ({ ip })) });
      for (const ip of ips) {
        const address = parseIp(ip);
        assert.ok(address);
        const covering = podSubnets.filter((text) => {
          const subnet = parseSubnet(text);
          return subnet !== undefined && contains(subnet, address);
        });
        assert.equal(covering.length, 1);
      }
    }),
  );
});
