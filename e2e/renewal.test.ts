// Connections prove their rights anew each hour; here every few seconds.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from './eventually.ts';
import { clusterWorks } from './laptop-machine.ts';
import { prepare } from './prepare.ts';
import { kubectl, laptopCommand, onLaptop, telepresence } from './run.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createUser, grant, type KubeUser } from './user.ts';

const everySeconds = '4';
const binding = 'e2e-traffic-manager-tunnel';
let alice: KubeUser;

before(async () => {
  await prepare();
  alice = await createUser('alice');
  await grant('demo', { kind: 'ClusterRole', name: 'telepresence-client' }, [alice]);
  await grant('ambassador', { kind: 'Role', name: 'traffic-manager-tunnel' }, [alice]);
  await eventually('alice may open tunnels', 10_000, async () => {
    const what = ['get', 'services/https:traffic-manager:api', '--subresource=proxy'];
    const { status } = await alice.kubectl(['auth', 'can-i', ...what, '-n', 'ambassador']);
    assert.equal(status, 0);
  });
  await asAlice(['connect', '--namespace', 'demo']);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await kubectl('delete', '-n', 'ambassador', '--ignore-not-found', `rolebinding/${binding}`);
  await kubectl(
    'delete',
    '-n',
    'demo',
    '--ignore-not-found',
    'rolebinding/e2e-telepresence-client',
  );
});

function asAlice(args: readonly string[]) {
  const env = { TELEPRESENCE_RENEW_SECONDS: everySeconds };
  return telepresence(args, { kubeconfig: 'alice', mayFail: true, env });
}

/** The laptop's ports of the connections to the API server that are open now. */
async function openConnections(): Promise<readonly string[]> {
  const script = 'ss -Htnp state established dport = :6443 | grep -o "198.18.0.2:[0-9]*"';
  const { stdout } = await onLaptop(['sh', '-c', script], { mayFail: true });
  return stdout.split('\n').filter((line) => line !== '');
}

test('connections are replaced one by one, and a flow that is open goes on', async () => {
  // Redis answers each PING on one connection.
  const program = `
    const socket = require('node:net').connect(6379, 'redis.demo');
    let answers = 0;
    socket.on('connect', () => setInterval(() => socket.write('PING\\r\\n'), 200));
    socket.on('data', (data) => { answers += String(data).split('PONG').length - 1; console.log(answers); });
    for (const end of ['error', 'close']) socket.on(end, (why) => { console.log(end, why); process.exit(1); });`;
  const { argv, env } = await laptopCommand([process.execPath, '-e', program]);
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  try {
    await eventually('redis answers', 10_000, async () => assert.match(said, /^[1-9]/m));
    const before = new Set(await openConnections());
    assert.ok(before.size >= 7, String(before.size));
    await eventually(
      'every connection but the flow’s and the watches’ is another one',
      30_000,
      async () => {
        const now = await openConnections();
        const fresh = now.filter((connection) => !before.has(connection));
        assert.ok(fresh.length >= 7, `${String(fresh.length)} of ${String(now.length)}`);
      },
    );
    await clusterWorks('http://hello.demo');
    const answers = Number(said.trim().split('\n').at(-1));
    await eventually('redis still answers', 5000, async () => {
      assert.ok(Number(said.trim().split('\n').at(-1)) > answers, said.slice(-200));
    });
    assert.equal(child.exitCode, null);
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});

test('a right that is taken away ends the session at the next renewal, and status says why', async () => {
  await clusterWorks('http://hello.demo');
  await kubectl('delete', '-n', 'ambassador', `rolebinding/${binding}`);
  await eventually('the session has ended', 40_000, async () => {
    const { stdout } = await asAlice(['status']);
    assert.match(stdout, /the cluster does not let you in any more/);
  });
  const { stdout } = await asAlice(['status']);
  console.log(stdout);
  assert.match(stdout, /services "https:traffic-manager:api" is forbidden/);
  assert.match(stdout, /ask an administrator of the cluster, then connect again/);
  await assert.rejects(clusterWorks('http://hello.demo'));
  // The machine is as it was.
  const { stdout: rules } = await onLaptop(['nft', 'list', 'tables']);
  assert.doesNotMatch(rules, /telepresence/);
});
