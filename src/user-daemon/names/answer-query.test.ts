import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { silentLogger } from '#base/log.ts';
import { answerDnsQuery } from '#protocol/dns-answer.ts';
import {
  decodeDnsMessage,
  dnsCodes,
  encodeDnsMessage,
  type DnsMessage,
} from '#protocol/dns-message.ts';
import { dnsTypes, type DnsData } from '#protocol/dns-record.ts';
import { ClusterUpdateSchema } from '#protocol/gen/telepresence_pb.ts';
import { subnets } from '#protocol/dial-policy.ts';
import { createVirtualAddresses } from '#protocol/virtual/addresses.ts';
import { answerQuery } from './answer-query.ts';
import { createClusterModel } from './cluster-model.ts';

const { signal } = new AbortController();

function query(name: string, type: number): Buffer {
  return encodeDnsMessage({
    id: 7,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    code: 0,
    questions: [{ name, type, class: 1 }],
    answers: [],
    authorities: [],
    additionals: [],
  });
}

const port = (name: string, number: number) => ({
  name,
  port: number,
  protocol: 'TCP',
  ready: true,
});

function sample(mapped: readonly string[] = []) {
  const asked: string[] = [];
  const model = createClusterModel(() => {});
  model.apply(
    create(ClusterUpdateSchema, {
      info: {
        clusterDomain: 'cluster.local',
        serviceSubnets: ['10.96.0.0/16', 'fd00::/112'],
        podSubnets: ['10.244.0.0/16'],
      },
      namespaces: ['default', 'dev', 'empty'],
      namespacesChanged: true,
      services: [
        {
          namespace: 'default',
          name: 'web',
          addresses: ['10.96.0.10'],
          ports: [port('http', 80)],
        },
        { namespace: 'dev', name: 'web', addresses: ['10.96.0.20', 'fd00::20'] },
        {
          namespace: 'default',
          name: 'db',
          endpointAddresses: ['10.244.0.4', '10.244.0.5'],
          ports: [port('sql', 5432)],
        },
        { namespace: 'default', name: 'out', externalName: 'example.com' },
      ],
      synced: true,
    }),
  );
  const deps = {
    log: silentLogger,
    names: model,
    scope: { namespace: 'default', mapped },
    virtual: createVirtualAddresses(),
    mappings: [
      { name: 'shop.example.com', aliasFor: 'web.dev' },
      { name: 'Mine.', aliasFor: 'web' },
      { name: 'legacy', aliasFor: '192.168.1.9' },
      { name: 'legacy6', aliasFor: 'fd00::9' },
      { name: 'pod.corp', aliasFor: 'db-0.db.default.svc.cluster.local' },
      { name: 'world.corp', aliasFor: 'example.com' },
      { name: 'lost.corp', aliasFor: 'nobody.default.svc.cluster.local' },
    ],
    fallbacks: [
      { name: 'handler', aliasFor: '127.0.0.1' },
      { name: 'h.internal', aliasFor: '172.30.0.2' },
    ],
    lookup: async (bytes: Uint8Array): Promise<Uint8Array> => {
      const message = decodeDnsMessage(Buffer.from(bytes));
      const name = message?.questions[0]?.name ?? '';
      asked.push(name);
      if (message === undefined) throw new Error('no query');
      if (name.startsWith('nobody')) return answerDnsQuery(message, { code: dnsCodes.nameError });
      const data: DnsData = { kind: 'A', address: '10.244.0.4' };
      return await Promise.resolve(
        answerDnsQuery(message, {
          code: 0,
          answers: [{ name, class: 1, ttlSeconds: 30, data }],
        }),
      );
    },
  };
  const ask = async (name: string, type: number = dnsTypes.A): Promise<DnsMessage> => {
    const bytes = await answerQuery(deps, query(name, type), signal);
    const message = bytes === undefined ? undefined : decodeDnsMessage(bytes);
    assert.ok(message !== undefined);
    assert.equal(message.id, 7);
    assert.equal(message.questions[0]?.name, name);
    return message;
  };
  const addresses = async (name: string, type?: number): Promise<readonly string[]> => {
    const message = await ask(name, type);
    assert.equal(message.code, dnsCodes.noError, name);
    return message.answers.map(({ data, name: owner }) => {
      assert.equal(owner, name);
      return 'address' in data ? data.address : data.kind;
    });
  };
  return { ask, addresses, asked, model, deps };
}

test('a name that the cluster does not know may mean something else', async () => {
  const { ask, addresses, deps } = sample();
  const fallbacks = [{ name: 'web', aliasFor: '127.0.0.1' }];
  const known = await answerQuery({ ...deps, fallbacks }, query('web', dnsTypes.A), signal);
  assert.deepEqual(decodeDnsMessage(known ?? Buffer.alloc(0))?.answers[0]?.data, {
    kind: 'A',
    address: '10.96.0.10',
  });
  assert.deepEqual(await addresses('Handler'), ['127.0.0.1']);
  assert.deepEqual(await addresses('handler', dnsTypes.AAAA), []);
  assert.deepEqual(await addresses('h.internal'), ['172.30.0.2']);
  assert.equal((await ask('stranger')).code, dnsCodes.refused);
});

test('services, by every form of their name', async () => {
  const { addresses, asked } = sample();
  for (const name of [
    'web',
    'WEB',
    'web.default',
    'web.default.svc',
    'web.default.svc.cluster.local',
    'Web.Default.Svc.Cluster.Local',
  ]) {
    assert.deepEqual(await addresses(name), ['10.96.0.10'], name);
  }
  assert.deepEqual(await addresses('web.dev'), ['10.96.0.20']);
  assert.deepEqual(await addresses('web.dev', dnsTypes.AAAA), ['fd00::20']);
  assert.deepEqual(await addresses('db'), ['10.244.0.4', '10.244.0.5']);
  assert.deepEqual(asked, []);
});

test('a service without IPv6 has no AAAA, which is not the same as no name', async () => {
  const { addresses } = sample();
  assert.deepEqual(await addresses('web', dnsTypes.AAAA), []);
  assert.deepEqual(await addresses('web.default.svc.cluster.local', dnsTypes.TXT), []);
});

test('names of the cluster that do not exist are refused at once', async () => {
  const { ask, asked } = sample();
  for (const name of [
    'nope.default.svc.cluster.local',
    'web.nope.svc.cluster.local',
    'nope.default.svc',
    'x.web.default.svc.cluster.local',
  ]) {
    assert.equal((await ask(name)).code, dnsCodes.nameError, name);
  }
  assert.deepEqual(asked, []);
});

test('names that may be the world’s are left to it', async () => {
  const { ask, asked } = sample();
  for (const name of ['nope', 'nope.dev', 'example.com', 'a.b.dev', 'web.nope', 'a.web.dev', '']) {
    assert.equal((await ask(name)).code, dnsCodes.refused, name);
  }
  assert.equal((await ask('1.2.0.192.in-addr.arpa', dnsTypes.PTR)).code, dnsCodes.refused);
  assert.deepEqual(asked, []);
});

test('only mapped namespaces are known', async () => {
  const { ask, addresses } = sample(['dev']);
  assert.deepEqual(await addresses('web.dev'), ['10.96.0.20']);
  assert.equal((await ask('web')).code, dnsCodes.refused);
  assert.equal((await ask('web.default.svc.cluster.local')).code, dnsCodes.nameError);
});

test('what memory does not hold is asked of the cluster, by the full name', async () => {
  const { ask, addresses, asked } = sample();
  assert.deepEqual(await addresses('db-0.db'), ['10.244.0.4']);
  assert.deepEqual(await addresses('db-0.db.default'), ['10.244.0.4']);
  assert.deepEqual(await addresses('out'), ['10.244.0.4']);
  assert.deepEqual(await addresses('kube.cluster.local'), ['10.244.0.4']);
  assert.equal((await ask('nobody.db')).code, dnsCodes.refused);
  assert.equal((await ask('nobody.db.default.svc.cluster.local')).code, dnsCodes.nameError);
  assert.deepEqual(asked, [
    'db-0.db.default.svc.cluster.local',
    'db-0.db.default.svc.cluster.local',
    'out.default.svc.cluster.local',
    'kube.cluster.local',
    'nobody.db.default.svc.cluster.local',
    'nobody.db.default.svc.cluster.local',
  ]);
});

test('SRV and PTR', async () => {
  const { ask, asked } = sample();
  const srv = await ask('_http._tcp.web.default', dnsTypes.SRV);
  assert.partialDeepStrictEqual(srv.answers[0]?.data, {
    kind: 'SRV',
    port: 80,
    target: 'web.default.svc.cluster.local',
  });
  assert.equal(
    (await ask('_nope._tcp.web.default.svc.cluster.local', dnsTypes.SRV)).code,
    dnsCodes.nameError,
  );
  const ptr = await ask('10.0.96.10.in-addr.arpa', dnsTypes.PTR);
  assert.deepEqual(ptr.answers[0]?.data, {
    kind: 'PTR',
    target: 'web.default.svc.cluster.local',
  });
  await ask('4.0.244.10.in-addr.arpa', dnsTypes.PTR);
  await ask('_sql._tcp.db', dnsTypes.SRV);
  assert.deepEqual(asked, ['4.0.244.10.in-addr.arpa', '_sql._tcp.db.default.svc.cluster.local']);
  const six = `0.2.0.0.${'0.'.repeat(24)}0.0.d.f.ip6.arpa`;
  assert.partialDeepStrictEqual((await ask(six, dnsTypes.PTR)).answers[0]?.data, {
    target: 'web.dev.svc.cluster.local',
  });
});

test('the old names hold until the new snapshot is complete', async () => {
  const { model, addresses, ask } = sample();
  model.restart();
  model.apply(
    create(ClusterUpdateSchema, {
      services: [{ namespace: 'default', name: 'late', addresses: ['10.96.0.30'] }],
    }),
  );
  assert.deepEqual(await addresses('web'), ['10.96.0.10']);
  model.apply(create(ClusterUpdateSchema, { synced: true }));
  assert.deepEqual(await addresses('late'), ['10.96.0.30']);
  assert.equal((await ask('web')).code, dnsCodes.refused);
});

test('names that stand for others, or for addresses', async () => {
  const { addresses, ask, asked } = sample();
  assert.deepEqual(await addresses('shop.example.com'), ['10.96.0.20']);
  assert.deepEqual(await addresses('shop.example.com', dnsTypes.AAAA), ['fd00::20']);
  assert.deepEqual(await addresses('mine'), ['10.96.0.10']);
  // As systemd-resolved asks for it.
  assert.deepEqual(await addresses('mine.default.svc.cluster.local'), ['10.96.0.10']);
  assert.deepEqual(await addresses('LEGACY'), ['192.168.1.9']);
  assert.deepEqual(await addresses('legacy', dnsTypes.AAAA), []);
  assert.deepEqual(await addresses('legacy6', dnsTypes.AAAA), ['fd00::9']);
  assert.deepEqual(asked, []);
  assert.deepEqual(await addresses('pod.corp'), ['10.244.0.4']);
  assert.deepEqual(await addresses('world.corp'), ['10.244.0.4']);
  assert.deepEqual(asked, ['db-0.db.default.svc.cluster.local', 'example.com']);
  assert.notEqual((await ask('lost.corp')).code, dnsCodes.noError);
  assert.equal((await ask('other.example.com')).code, dnsCodes.refused);
});

test('addresses of a virtual subnet are told by others, and these have the same names', async () => {
  const { deps, ask, addresses, asked } = sample();
  deps.virtual.set({
    ranges: subnets('246.246.0.0/16', 'fd00:0:0:246::/64'),
    virtual: subnets('10.96.0.0/16', 'fd00::/64'),
    via: [],
    spared: [],
  });
  assert.deepEqual(await addresses('web'), ['246.246.0.10']);
  assert.deepEqual(await addresses('web.dev', dnsTypes.AAAA), ['fd00:0:0:246::20']);
  assert.deepEqual(await addresses('db'), ['10.244.0.4', '10.244.0.5'], 'another subnet');
  assert.deepEqual(await addresses('shop.example.com'), ['246.246.0.20'], 'a mapped name');
  assert.deepEqual(await addresses('legacy'), ['192.168.1.9']);
  const nameOf = async (name: string): Promise<unknown> => {
    const { code, answers } = await ask(name, dnsTypes.PTR);
    return code === dnsCodes.noError ? answers.map(({ data }) => data) : code;
  };
  const web = [{ kind: 'PTR', target: 'web.default.svc.cluster.local' }];
  assert.deepEqual(await nameOf('10.0.246.246.in-addr.arpa'), web);
  const six = `${'0.2.0.0.'.padEnd(32, '0.')}6.4.2.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa`;
  assert.deepEqual(await nameOf(six), [{ kind: 'PTR', target: 'web.dev.svc.cluster.local' }]);
  assert.equal(await nameOf('77.0.246.246.in-addr.arpa'), dnsCodes.nameError, 'given to nobody');
  assert.deepEqual(asked, []);
  // What the cluster's own DNS answers is told so too, and asked for under the real address.
  deps.virtual.set({
    ranges: subnets('246.246.0.0/16'),
    virtual: subnets('10.244.0.0/16'),
    via: [],
    spared: [],
  });
  assert.deepEqual(await addresses('out'), ['246.246.0.4']);
  await ask('4.0.246.246.in-addr.arpa', dnsTypes.PTR);
  assert.equal(asked.at(-1), '4.0.244.10.in-addr.arpa');
});

test('without a virtual address left there is no answer', async () => {
  const { deps, ask, addresses } = sample();
  deps.virtual.set({
    ranges: subnets('246.246.0.0/31'),
    virtual: subnets('10.96.0.0/16', '10.244.0.0/16'),
    via: [],
    spared: [],
  });
  assert.deepEqual(await addresses('db'), ['246.246.0.0', '246.246.0.1']);
  assert.equal((await ask('web')).code, dnsCodes.serverFailure);
  assert.deepEqual(await addresses('db'), ['246.246.0.0', '246.246.0.1']);
});

test('noise is never answered by an error of ours', async () => {
  const { deps } = sample();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async (noise) => {
      await answerQuery(deps, Buffer.from(noise), signal);
    }),
  );
  const name = fc.stringMatching(/^([a-z_0-9]{1,8}\.){0,5}(svc|dev|web|cluster\.local)$/);
  await fc.assert(
    fc.asyncProperty(name, fc.constantFrom(1, 12, 16, 28, 33, 255), async (text, type) => {
      assert.ok((await answerQuery(deps, query(text, type), signal)) !== undefined);
    }),
  );
});

test('the domain that containers search in: as if it were not there, and nobody else’s', async () => {
  const { ask } = sample();
  const data = async (name: string): Promise<unknown> => {
    const { answers, code } = await ask(name);
    const [first] = answers;
    assert.equal(first?.name ?? name, name, 'under the name that was asked');
    return first === undefined ? code : first.data;
  };
  const web = { kind: 'A', address: '10.96.0.10' };
  for (const name of ['web.tel2-search', 'web.default.tel2-search', 'Mine.TEL2-SEARCH']) {
    assert.deepEqual(await data(name), web, name);
  }
  for (const name of ['nobody.tel2-search', 'example.com.tel2-search', 'tel2-search']) {
    assert.equal(await data(name), dnsCodes.nameError, name);
  }
});
