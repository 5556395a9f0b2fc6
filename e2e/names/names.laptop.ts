// Runs on a connected laptop: the cluster's names and ports, by programs of several kinds.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import net from 'node:net';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { systemCode } from '#base/errors.ts';

const execute = promisify(execFile);
const env = (name: string): string => process.env[name] ?? '';
const namespace = env('E2E_NAMESPACE');
const podIps = env('E2E_POD_IPS').split(' ').sort();
const webIp = env('E2E_WEB_IP');
const resolver = new Resolver({ timeout: 2000, tries: 1 });

async function output(file: string, ...args: string[]): Promise<string> {
  return (await execute(file, args, { timeout: 10_000 })).stdout;
}

/** Names of one Service, as people write them. */
const namesOf = (service: string): string[] => [
  `${service}.${namespace}`,
  `${service}.${namespace}.svc`,
  `${service}.${namespace}.svc.cluster.local`,
  `${service}.${namespace}.svc.cluster.local.`,
  `${service}.${namespace}`.toUpperCase(),
];

test('curl (glibc) reaches a Service by each of its names', async () => {
  for (const name of ['web', ...namesOf('web')]) {
    assert.match(await output('curl', '-sS', '--max-time', '5', `http://${name}/`), /^web-/, name);
  }
  assert.match(await output('curl', '-sS', '--max-time', '5', 'http://hello.demo/'), /^Request/);
});

test('getent (glibc) and busybox, which asks by itself, get the same address', async () => {
  for (const name of ['web', ...namesOf('web')]) {
    assert.match(await output('getent', 'ahostsv4', name), new RegExp(`^${webIp} `), name);
    assert.match(await output('busybox', 'wget', '-qO-', `http://${name}/`), /^web-/, name);
  }
  const looked = await output('busybox', 'nslookup', `web.${namespace}.svc.cluster.local`);
  assert.match(looked, new RegExp(`Address[^\n]* ${webIp}\\b`));
});

test('a pod is reached by its address, a headless Service by its pods', async () => {
  const [podIp = ''] = podIps;
  assert.match(await output('curl', '-sS', '--max-time', '5', `http://${podIp}:8080/`), /^pods-/);
  for (const name of ['pods', ...namesOf('pods').slice(0, -2)]) {
    const found = await output('getent', 'ahostsv4', name);
    const addresses = [...new Set(found.split('\n').flatMap((line) => line.split(' ')[0] || []))];
    assert.deepEqual(addresses.sort(), podIps, name);
  }
  assert.match(await output('curl', '-sS', '--max-time', '5', 'http://pods:8080/'), /^pods-/);
});

test('A, SRV and PTR by a resolver of another kind (c-ares)', async () => {
  const full = `web.${namespace}.svc.cluster.local`;
  assert.deepEqual(await resolver.resolve4(full), [webIp]);
  const srv = await resolver.resolveSrv(`_http._tcp.${full}`);
  assert.deepEqual(
    srv.map(({ name, port }) => ({ name, port })),
    [{ name: full, port: 80 }],
  );
  const headless = await resolver.resolveSrv(`_http._tcp.pods.${namespace}.svc.cluster.local`);
  assert.equal(headless.length, podIps.length);
  for (const { name, port } of headless) {
    assert.equal(port, 8080);
    const [address = ''] = await resolver.resolve4(name);
    assert.ok(podIps.includes(address), name);
  }
  assert.deepEqual(await resolver.reverse(webIp), [full]);
  // There is such a name, and it has no address of that kind: that is no NXDOMAIN.
  await assert.rejects(resolver.resolve6(full), { code: 'ENODATA' });
});

test('by TCP as by UDP', async () => {
  const servers = await readFile('/etc/resolv.conf', 'utf8');
  const host = /^nameserver (\S+)/m.exec(servers)?.[1] ?? '';
  const question = Buffer.concat([
    ...['web', namespace, 'svc', 'cluster', 'local'].map((label) =>
      Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]),
    ),
    Buffer.from([0, 0, 1, 0, 1]),
  ]);
  const header = Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const query = Buffer.concat([header, question]);
  const socket = net.connect({ host, port: 53 });
  socket.write(Buffer.concat([Buffer.from([0, query.length]), query]));
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once('data', resolve).once('error', reject);
    socket.setTimeout(3000, () => reject(new Error('no answer by TCP')));
  });
  socket.destroy();
  assert.deepEqual([...answer.subarray(2, 4)], [0x12, 0x34]);
  assert.deepEqual([...answer.subarray(-4)], webIp.split('.').map(Number));
});

async function quickly<T>(ms: number, what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  const took = performance.now() - began;
  assert.ok(took < ms, `${what}: ${String(Math.round(took))} ms`);
  console.log(`${what}: ${took.toFixed(1)} ms`);
  return result;
}

test('what the cluster does not know is not there, and that is said at once', async () => {
  for (const name of [
    `nothing.${namespace}.svc.cluster.local`,
    'nothing.nowhere.svc.cluster.local',
    `web.${namespace}.pod.cluster.local`,
    `sub.web.${namespace}.svc.cluster.local`,
    'cluster.local.cluster.local',
  ]) {
    await quickly(100, name, () => assert.rejects(resolver.resolve4(name), { code: 'ENOTFOUND' }));
  }
  await quickly(100, 'SRV of no such port', () =>
    assert.rejects(resolver.resolveSrv(`_no._tcp.web.${namespace}.svc.cluster.local`), {
      code: 'ENOTFOUND',
    }),
  );
});

test('a namespace called as a top-level domain takes nothing from that', async () => {
  assert.match(await output('curl', '-sS', '--max-time', '5', 'http://x.dev/'), /^x-/);
  assert.deepEqual(await resolver.resolve4('web.dev'), ['203.0.113.10']);
  assert.equal(await output('curl', '-sS', '--max-time', '5', 'http://web.dev/'), 'outside\n');
  await assert.rejects(resolver.resolve4('nothing.dev'), { code: 'ENOTFOUND' });
  assert.deepEqual(await resolver.resolve4('api.app'), ['203.0.113.10']);
});

/** How dialling ends: `open`, or the system's error code. */
async function dial(host: string, port: number): Promise<string> {
  const socket = net.connect({ host, port });
  socket.setTimeout(5000, () => socket.destroy(new Error('silence')));
  try {
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return 'open';
  } catch (error) {
    return systemCode(error) ?? String(error);
  } finally {
    socket.destroy();
  }
}

test('a port that a Service does not have is refused at once, as is a Service of no pods', async () => {
  assert.equal(await dial('web', 80), 'open');
  const refused = async (host: string, port: number): Promise<void> => {
    await quickly(100, `${host}:${String(port)}`, async () => {
      assert.equal(await dial(host, port), 'ECONNREFUSED');
    });
  };
  for (let round = 0; round < 5; round += 1) {
    await refused('web', 81);
    await refused(webIp, 65_535);
    await refused(`empty.${namespace}`, 80);
    await refused(env('E2E_EMPTY_IP'), 80);
  }
});

test('a pod’s closed port ends in an error, not in silence', async () => {
  const [podIp = ''] = podIps;
  const socket = net.connect({ host: podIp, port: 4 });
  const began = performance.now();
  const outcome = await text(socket).then(
    (words) => `closed after "${words}"`,
    (error: unknown) => systemCode(error) ?? String(error),
  );
  console.log(`${outcome} after ${(performance.now() - began).toFixed(1)} ms`);
  assert.match(outcome, /^(ECONNREFUSED|ECONNRESET)$/);
  assert.ok(performance.now() - began < 1000);
});
