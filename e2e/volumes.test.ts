/** An intercepted pod's volumes on the laptop: what is in them, who may write, and that they always go. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cutRelay } from './cut-relay.ts';
import { eventually } from './eventually.ts';
import { helloApp } from './hello-app.ts';
import { signalDaemon } from './laptop-machine.ts';
import { createNamespace } from './namespace.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { removeDisk, volumesApp, writeDisk } from './volumes-app.ts';

const namespace = 'e2e-volumes';
const hideTool = new URL('hide-tool.sh', import.meta.url).pathname;
let owned: AsyncDisposable | undefined;

/** What a shell on the laptop prints; `$ROOT` is where the volumes are. Nothing may hang. */
async function sh(root: string, script: string): Promise<string> {
  const { stdout } = await onLaptop(['timeout', '10', 'sh', '-c', script], { env: { ROOT: root } });
  return stdout.trim();
}

/** The same, for what must fail: what it complains of. */
async function refused(root: string, script: string): Promise<string> {
  const command = ['timeout', '10', 'sh', '-c', script];
  const { status, stderr } = await onLaptop(command, { env: { ROOT: root }, mayFail: true });
  assert.ok(status !== 0 && status !== 124, `${script}: status ${String(status)}`);
  return stderr.trim();
}

async function inPod(script: string): Promise<string> {
  return (
    await kubectl('exec', '-n', namespace, 'deployment/vols', '-c', 'app', '--', 'sh', '-c', script)
  ).trim();
}

/** The value of one key in the block that `intercept` prints. */
function said(block: string, key: string): string {
  return new RegExp(`^ *${key} *: (.+)$`, 'm').exec(block)?.[1] ?? '';
}

async function intercept(name: string, ...flags: readonly string[]): Promise<string> {
  const { stdout } = await telepresence(['intercept', name, ...flags]);
  return stdout;
}

async function mounted(): Promise<string> {
  return await sh('', "grep ^telepresence: /proc/mounts | cut -d' ' -f2; true");
}

async function noneLeft(): Promise<void> {
  assert.equal(await mounted(), '');
  assert.equal(await sh('', 'ls -d "${TMPDIR:-/tmp}"/telfs-* 2>/dev/null; true'), '');
}

before(async () => {
  await prepare();
  await telepresence(['quit', '-s'], { mayFail: true });
  owned = await createNamespace(namespace);
  await writeDisk();
  await apply(helloApp({ namespace, name: 'other' }));
  await apply(volumesApp(namespace));
  await rollOut(namespace);
  await telepresence(['connect', '--namespace', namespace]);
});
after(async () => {
  await telepresence(['quit', '-s'], { mayFail: true });
  await owned?.[Symbol.asyncDispose]();
  await removeDisk(namespace);
});

test('every volume as in the pod: contents, links, owners, writes; nothing else', async () => {
  const root = said(await intercept('vols', '--port', '9101'), 'Volume Mount Point');
  assert.match(root, /\/telfs-\d+$/);
  assert.equal(await mounted(), root);
  const contents = 'cd $ROOT; cat etc/settings/color etc/secret/password etc/one.conf disk/shared';
  assert.equal(await sh(root, contents), 'bluehiddenblueshared');
  const token = '/var/run/secrets/kubernetes.io/serviceaccount/token';
  assert.equal(await sh(root, `cat $ROOT${token}`), await inPod(`cat ${token}`));
  const look = (at: string): string =>
    `cd ${at}; readlink etc/settings/..data; readlink etc/settings/color; stat -c '%u %g %a %F' data disk disk/shared etc/secret/..data/password; ls etc/settings data disk`;
  assert.equal(await sh(root, look('$ROOT')), await inPod(look('/')));
  assert.equal(await sh(root, 'ls $ROOT'), 'data\ndisk\netc\nvar');

  await sh(root, 'cd $ROOT/data; echo one >a; echo two >>a; mv a b; mkdir d; ln -s b l; cat l');
  assert.equal(
    await inPod('cat /data/b; readlink /data/l; stat -c %u /data/b'),
    'one\ntwo\nb\n999',
  );
  await inPod('head -c 3000000 /dev/urandom >/data/big');
  assert.equal(await sh(root, 'sha256sum <$ROOT/data/big'), await inPod('sha256sum </data/big'));
  await sh(root, 'head -c 3000000 /dev/urandom >$ROOT/data/up');
  assert.equal(await inPod('sha256sum </data/up'), await sh(root, 'sha256sum <$ROOT/data/up'));
  await inPod('ln -s ../../../../../etc/passwd /data/out; ln -s /data/b /data/in');
  assert.equal(await sh(root, 'cat $ROOT/data/in'), 'one\ntwo');
  for (const path of ['data/out', 'etc/passwd', 'data/../../tel_app_mounts']) {
    assert.match(await refused(root, `cat "$ROOT/${path}"`), /No such file/);
  }
  for (const script of [
    'cat $ROOT/disk/mine',
    'echo x >$ROOT/disk/new',
    'echo x >$ROOT/etc/secret/x',
  ]) {
    assert.match(await refused(root, script), /Permission denied|Read-only/i, script);
  }

  const own = (await sh('', 'mktemp -d')).trim();
  const other = await intercept('other', '--port', '9102', `--mount=${own}:ro`);
  assert.equal(said(other, 'Volume Mount Point'), own);
  assert.match(await sh(own, 'cat $ROOT/etc/hello/nginx.conf'), /listen 8080/);
  assert.match(await refused(own, 'touch $ROOT/etc/hello/x'), /Read-only/);
  assert.match((await telepresence(['list'])).stdout, new RegExp(`Volume Mount Point *: ${root}`));
  await telepresence(['leave', 'other']);
  assert.equal(await mounted(), root);
  assert.equal(await sh(own, 'ls -A $ROOT; rmdir $ROOT'), '');
});

test('a pod that is replaced: nothing hangs, and its volumes come back', async () => {
  const root = await mounted();
  await kubectl('delete', 'pod', '-n', namespace, '-l', 'app=vols', '--wait=false');
  await eventually('the new pod’s volumes', 40_000, async () => {
    // An empty directory of the new pod's.
    assert.equal(await sh(root, 'ls $ROOT/data; cat $ROOT/etc/settings/color'), 'blue');
  });
});

test('a link that is cut: an ls ends by itself, and all is back when the link is', async () => {
  const root = await mounted();
  {
    await using _cut = await cutRelay();
    await eventually('an ls that ends', 12_000, async () => {
      const ls = ['timeout', '9', 'ls', `${root}/etc/settings`];
      const { status } = await onLaptop(ls, { mayFail: true });
      assert.ok(status !== 124, 'it hangs');
      assert.ok(status !== 0, 'it is there');
    });
  }
  await eventually('the volumes again', 20_000, async () => {
    assert.equal(await sh(root, 'cat $ROOT/etc/settings/color'), 'blue');
  });
});

test('killed -9, the user daemon leaves no mount, and the next one no directory', async () => {
  await signalDaemon('user-daemon', 'KILL');
  await eventually('unmounted', 5000, async () => assert.equal(await mounted(), ''));
  await telepresence(['connect', '--namespace', namespace]);
  await noneLeft();
});

test('for the length of a command, and not at all', async () => {
  const script = 'echo "$TELEPRESENCE_MOUNTS"; cat "$TELEPRESENCE_ROOT/etc/settings/color"; exit 7';
  const command = ['intercept', 'vols', '--port', '9101', '--', 'sh', '-c', script];
  const { status, stdout } = await telepresence(command, { mayFail: true });
  assert.equal(status, 7, stdout);
  assert.match(stdout, /^\/etc\/hello:\/etc\/settings:.*\nblue$/m);
  await noneLeft();
  const without = await intercept('vols', '--port', '9101', '--mount=false');
  assert.doesNotMatch(without, /Volume/);
  await telepresence(['leave', 'vols']);
  const { stdout: full } = await telepresence(['intercept', 'vols', '--mount', '/etc/hosts']);
  assert.equal(said(full, 'Volume Mount Error'), '/etc/hosts is not a directory');
  await telepresence(['quit', '-s']);
  await noneLeft();
});

test('without sshfs: a copy of what is small, which says so', async () => {
  const connect = ['telepresence', 'connect', '--namespace', namespace];
  await onLaptop(['unshare', '-m', 'sh', hideTool, 'sshfs', ...connect]);
  const block = await intercept('vols', '--port', '9101');
  const root = said(block, 'Volume Mount Point');
  assert.match(
    said(block, 'Volume Mount Note'),
    /^a read-only copy of .*, without \/data, \/disk \(sshfs is not installed\)$/,
  );
  const contents = 'cd $ROOT; cat etc/settings/color etc/secret/password etc/one.conf';
  assert.equal(await sh(root, contents), 'bluehiddenblue');
  await telepresence(['quit', '-s']);
  await noneLeft();
});
