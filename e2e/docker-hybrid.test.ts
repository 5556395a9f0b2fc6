/** Containers on bridges of a laptop that is itself connected: they reach the cluster as it does. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { outsideAnswer } from '../playground/outside.ts';
import { buildBusybox, busybox } from './docker/busybox-image.ts';
import { eventually } from './eventually.ts';
import { clusterWorks, machineState, outsideWorks, signalDaemon } from './laptop-machine.ts';
import { clusterIp } from './pod-network.ts';
import { prepare } from './prepare.ts';
import { kubectl, onLaptop, telepresence } from './run.ts';

const known = 'hello.demo.svc.cluster.local';
const label = 'telepresence-e2e=docker-hybrid';
let untouched: Record<string, string>;
let hello = '';
let helloPod = '';
let clusterDns = '';

/** A container that waits to be told what to do. */
async function start(name: string, network: string): Promise<void> {
  const where = [`--label=${label}`, `--name=${name}`, `--network=${network}`];
  const how = ['--detach', '--init', '--dns-search=tel2-search', busybox, 'sleep', '100000'];
  await onLaptop(['docker', 'run', ...where, ...how]);
}

async function makeNetwork(name: string, ...more: readonly string[]): Promise<void> {
  await onLaptop(['docker', 'network', 'create', `--label=${label}`, ...more, name]);
}

/** What a container has for an answer, and how its command ended. */
async function inside(name: string, script: string): Promise<string> {
  const argv = ['docker', 'exec', name, 'sh', '-c', `( ${script} ) 2>&1 || echo "status $?"`];
  return (await onLaptop(argv)).stdout.trim();
}

const fetch = (url: string): string => `timeout 5 wget -q -O - ${url}`;

async function clean(): Promise<void> {
  const script = `docker ps -aq --filter label=${label} | xargs -r docker rm -f
    docker network ls -q --filter label=${label} | xargs -r docker network rm`;
  await onLaptop(['sh', '-c', script]);
}

before(async () => {
  await prepare();
  await telepresence(['quit', '-s'], { mayFail: true });
  await buildBusybox();
  await clean();
  hello = await clusterIp('demo', 'hello');
  clusterDns = await clusterIp('kube-system', 'kube-dns');
  const first = ['-l', 'app=hello', '-o', 'jsonpath={.items[0].status.podIP}'];
  helloPod = await kubectl('get', 'pods', '-n', 'demo', ...first);
  // Networks of a local cluster, and one without a way out.
  await makeNetwork('kind');
  await makeNetwork('closed', '--internal');
  await makeNetwork('own');
  await start('on-bridge', 'bridge');
  await start('on-own', 'own');
  await start('on-kind', 'kind');
  await start('on-closed', 'closed');
  untouched = await machine();
  await telepresence(['connect', '--namespace', 'demo']);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await clean();
});

async function reaches(container: string): Promise<void> {
  for (const host of ['hello', 'hello.tel2-search', 'hello.demo', 'hello.demo.svc.cluster.local']) {
    assert.match(
      await inside(container, fetch(`http://${host}/`)),
      /Request served by hello/,
      host,
    );
  }
}

for (const container of ['on-bridge', 'on-own']) {
  test(`${container}: Services by each of their names, pods by address`, async () => {
    await reaches(container);
    const served = await inside(container, fetch(`http://${hello}/`));
    assert.match(served, /Request served by hello/);
    const pod = await inside(container, fetch(`http://${helloPod}:8080/`));
    assert.match(pod, /Request served by hello/);
  });

  test(`${container}: refused is refused, by a Service and by a pod`, async () => {
    for (const place of [`${hello}:81`, `${helloPod}:8081`]) {
      const said = await inside(container, `timeout 5 wget -O - http://${place}/`);
      assert.match(said, /Connection refused/, place);
    }
  });

  test(`${container}: datagrams and pings, large ones too`, async () => {
    const asked = await inside(container, `timeout 5 nslookup ${known}. ${clusterDns}`);
    assert.match(asked, new RegExp(hello));
    assert.match(await inside(container, `ping -c 1 -s 4000 ${helloPod}`), /1 packets received/);
  });

  test(`${container}: the world's names as ever, and what nobody knows is unknown`, async () => {
    const outside = await inside(container, fetch('http://outside.example.com/'));
    assert.equal(outside, outsideAnswer.trim());
    for (const name of ['nowhere.example.com', 'nowhere.tel2-search', 'nowhere.demo.tel2-search']) {
      assert.match(await inside(container, `nslookup ${name}.`), /NXDOMAIN/, name);
    }
  });
}

test('networks of a local cluster, and networks without a way out, are left alone', async () => {
  for (const container of ['on-kind', 'on-closed']) {
    const lookup = await inside(container, `timeout 3 nslookup ${known}.`);
    assert.doesNotMatch(lookup, new RegExp(hello), container);
    const dialled = await inside(container, fetch(`http://${hello}/`));
    assert.match(dialled, /status/, container);
    assert.doesNotMatch(dialled, /Request served/);
    const asked = await inside(container, `timeout 3 nslookup ${known}. ${clusterDns}`);
    assert.doesNotMatch(asked, new RegExp(hello), container);
  }
  const said = await inside('on-kind', fetch('http://outside.example.com/'));
  assert.equal(said, outsideAnswer.trim());
});

/** Without routes: those of containers' wires get addresses of IPv6 some time after they were laid. */
async function machine(): Promise<Record<string, string>> {
  const { routes: _four, routesV6: _six, ...rest } = await machineState();
  return rest;
}

/** Our listeners at a bridge's own address. */
async function listeners(): Promise<{ readonly tcp: string[]; readonly udp: string[] }> {
  const { stdout } = await onLaptop(['sh', '-c', "ss -H -lntu | awk '{print $1, $5}'"]);
  const all = stdout.split('\n');
  assert.deepEqual(
    all.filter((line) => /^\S+ (0\.0\.0\.0|\*|\[::\]):/.test(line)),
    untouchedWildcards(),
    'nothing listens for everybody',
  );
  const of = (kind: string): string[] =>
    all.flatMap((line) => {
      const [, port] = new RegExp(`^${kind} 172\\.17\\.0\\.1:(\\d+)$`).exec(line) ?? [];
      return port ?? [];
    });
  return { tcp: of('tcp'), udp: of('udp') };
}

function untouchedWildcards(): string[] {
  return (untouched['listeners'] ?? '')
    .split('\n')
    .filter((line) => /^\S+ (0\.0\.0\.0|\*|\[::\]):/.test(line));
}

/** Another machine of the laptop's LAN, that sends everything by way of the laptop. */
async function lanNeighbour(): Promise<
  AsyncDisposable & { readonly does: (script: string) => Promise<string> }
> {
  const run = (script: string): ReturnType<typeof onLaptop> => onLaptop(['sh', '-ec', script]);
  await run(`ip netns add neighbour
    ip link add lan0 type veth peer name eth0 netns neighbour
    ip address add 192.0.2.1/24 dev lan0; ip link set lan0 up
    iptables -I FORWARD -i lan0 -j ACCEPT; iptables -I FORWARD -o lan0 -j ACCEPT
    ip netns exec neighbour sh -ec 'ip address add 192.0.2.2/24 dev eth0
      ip link set eth0 up; ip route add default via 192.0.2.1'`);
  return {
    does: async (script) =>
      (await run(`ip netns exec neighbour sh -c '( ${script} ) 2>&1' || echo "status $?"`)).stdout,
    async [Symbol.asyncDispose]() {
      await run(`iptables -D FORWARD -i lan0 -j ACCEPT; iptables -D FORWARD -o lan0 -j ACCEPT
        ip netns del neighbour`);
    },
  };
}

test('who is not on a bridge does not reach its listeners: the LAN, another network of containers', async () => {
  const { tcp, udp } = await listeners();
  const [names = ''] = udp;
  assert.ok(tcp.length === 2 && udp.length === 1, `${tcp.join()} ${udp.join()}`);
  const query = `nslookup -port=${names} ${known}. 172.17.0.1`;
  // From its own bridge it is answered: what is asked below is understood.
  assert.match(await inside('on-bridge', `timeout 5 busybox ${query}`), new RegExp(hello));
  assert.doesNotMatch(await inside('on-own', `timeout 3 busybox ${query}`), new RegExp(hello));
  assert.doesNotMatch(await inside('on-kind', `timeout 3 busybox ${query}`), new RegExp(hello));
  await using neighbour = await lanNeighbour();
  const { does } = neighbour;
  assert.match(await does('busybox ping -c 1 -W 2 172.17.0.1'), / 0% packet loss/);
  assert.doesNotMatch(await does(`timeout 3 busybox ${query}`), new RegExp(hello));
  for (const port of tcp) {
    assert.match(await does(`echo | timeout 3 busybox nc -w 2 172.17.0.1 ${port}`), /refused/i);
  }
  // Nor does the laptop forward for it, though Docker has it forward.
  const toCluster = `timeout 3 busybox nslookup ${known}. ${clusterDns}`;
  assert.doesNotMatch(await does(toCluster), new RegExp(hello));
  assert.match(
    await does(`echo | timeout 3 busybox nc -w 2 ${hello} 80; echo "status $?"`),
    /status [1-9]/,
  );
  assert.match(await does(`busybox ping -c 1 -W 2 ${helloPod}`), / 100% packet loss/);
});

test('a network that is made later is taken in, and let go when it is removed', async () => {
  await makeNetwork('later');
  await start('on-later', 'later');
  await eventually('a container of a new network reaches the cluster', 10_000, async () => {
    assert.match(await inside('on-later', fetch('http://hello/')), /Request served by hello/);
  });
  const rules = async (): Promise<string> =>
    (await onLaptop(['nft', 'list', 'table', 'inet', 'telepresence'])).stdout;
  const found = await onLaptop(['docker', 'network', 'inspect', '-f', '{{.Id}}', 'later']);
  const device = `br-${found.stdout.slice(0, 12)}`;
  assert.ok((await rules()).includes(device));
  await onLaptop(['docker', 'rm', '-f', 'on-later']);
  await onLaptop(['docker', 'network', 'rm', 'later']);
  await eventually('its rules are gone', 10_000, async () => {
    assert.ok(!(await rules()).includes(device));
  });
  await reaches('on-bridge');
});

test('however we end, containers have what they had: kill -9, quit', async () => {
  const asBefore = async (): Promise<void> => {
    assert.deepEqual(await machine(), untouched);
    const outside = await inside('on-own', fetch('http://outside.example.com/'));
    assert.equal(outside, outsideAnswer.trim());
  };
  await signalDaemon('root-daemon', 'KILL');
  await eventually('the rules are gone', 5000, async () => {
    const { stdout } = await onLaptop(['nft', 'list', 'tables']);
    assert.doesNotMatch(stdout, /inet telepresence/);
  });
  const outside = await inside('on-own', fetch('http://outside.example.com/'));
  assert.equal(outside, outsideAnswer.trim());
  await telepresence(['connect', '--namespace', 'demo']);
  await eventually('containers reach the cluster again', 10_000, () => reaches('on-own'));
  await clusterWorks();
  await telepresence(['quit']);
  await eventually('nothing is left', 5000, asBefore);
  await telepresence(['connect', '--namespace', 'demo']);
  await signalDaemon('user-daemon', 'KILL');
  await eventually('nothing is left of a killed user daemon', 5000, asBefore);
  await outsideWorks();
  // The killed one could not say goodbye to the cluster.
  await telepresence(['connect', '--namespace', 'demo']);
  await eventually('its Connection is gone', 10_000, async () => {
    const left = await kubectl('get', 'connections', '-n', 'demo', '-o', 'name');
    assert.equal(left.trim().split('\n').length, 1);
  });
  await telepresence(['quit', '-s']);
  const { stdout } = await onLaptop(['pgrep', '-af', 'monitor link'], { mayFail: true });
  assert.equal(stdout, '');
});
