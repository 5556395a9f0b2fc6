import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { test } from 'node:test';
import * as v from 'valibot';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { servePluginApi } from './api/plugin-api.ts';
import { openStateFile } from './state-file.ts';
import { openVolumes } from './volumes.ts';

const Opts = { container: 'app', port: '1', token: '0f'.repeat(32), dir: 'etc/x' };
const anything = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()));

interface Site {
  readonly base: string;
  readonly mounted: Set<string>;
  /** Why nothing can be mounted. */
  trouble: string | undefined;
  readonly call: (path: string, body?: unknown) => Promise<Record<string, unknown>>;
  /** The process is another one; what the old one had mounted is gone. */
  restart(): Promise<void>;
}

async function withSite(run: (site: Site) => Promise<void>): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'volumes-'));
  const path = join(base, 'plugin.sock');
  const stateFile = join(base, 'state', 'volumes.json');
  const log = silentLogger;
  const start = async (): Promise<AsyncDisposable> => {
    await using stack = new AsyncDisposableStack();
    const volumes = stack.use(
      await openVolumes({
        clock: systemClock,
        log,
        state: openStateFile({ log }, stateFile),
        directory: '/mnt/volumes',
        async show({ mountPoint }) {
          if (site.trouble !== undefined) throw new Error(site.trouble);
          assert.ok(!site.mounted.has(mountPoint), 'mounted twice');
          site.mounted.add(mountPoint);
          return {
            get lives() {
              return site.mounted.has(mountPoint);
            },
            [Symbol.asyncDispose]: async () => void site.mounted.delete(mountPoint),
          };
        },
      }),
    );
    const signal = AbortSignal.timeout(5000);
    stack.use(await servePluginApi({ log, volumes }, { path, signal }));
    return stack.move();
  };
  let running: AsyncDisposable | undefined;
  const site: Site = {
    base,
    mounted: new Set(),
    trouble: undefined,
    call: async (url, body = {}) => {
      const asked = request({ socketPath: path, path: url, method: 'POST' });
      asked.end(typeof body === 'string' ? body : JSON.stringify(body));
      const [response] = await once(asked, 'response');
      return v.parse(anything, await text(response));
    },
    async restart() {
      await running?.[Symbol.asyncDispose]();
      site.mounted.clear();
      running = await start();
    },
  };
  try {
    running = await start();
    await run(site);
  } finally {
    await running?.[Symbol.asyncDispose]();
    rmSync(base, { recursive: true, force: true });
  }
}

const fine = { Err: '' };

test('Docker’s calls from a volume’s making to its end', async () => {
  await withSite(async ({ call, mounted }) => {
    assert.deepEqual(await call('/Plugin.Activate'), { Implements: ['VolumeDriver'] });
    assert.deepEqual(await call('/VolumeDriver.Capabilities'), {
      Capabilities: { Scope: 'local' },
    });
    assert.deepEqual(await call('/VolumeDriver.Create', { Name: 'app-0', Opts }), fine);
    assert.deepEqual(await call('/VolumeDriver.Path', { Name: 'app-0' }), {
      Mountpoint: '',
      ...fine,
    });
    const mount = { Mountpoint: '/mnt/volumes/app-0', ...fine };
    assert.deepEqual(await call('/VolumeDriver.Mount', { Name: 'app-0', ID: 'a' }), mount);
    assert.deepEqual(await call('/VolumeDriver.Mount', { Name: 'app-0', ID: 'b' }), mount);
    const got = JSON.stringify(await call('/VolumeDriver.Get', { Name: 'app-0' }));
    assert.match(got, /"remoteDir":"\/etc\/x".*"usedBy":\["a","b"\]/);
    assert.ok(!got.includes(Opts.token));
    assert.deepEqual(await call('/VolumeDriver.Remove', { Name: 'app-0' }), {
      Err: 'volume app-0 is mounted by containers: [a b]',
    });
    for (const ID of ['a', 'b']) {
      assert.equal(mounted.size, 1);
      assert.deepEqual(await call('/VolumeDriver.Unmount', { Name: 'app-0', ID }), fine);
    }
    assert.equal(mounted.size, 0);
    assert.deepEqual(await call('/VolumeDriver.Remove', { Name: 'app-0' }), fine);
    const gone = { Err: 'no such volume: "app-0"' };
    for (const path of ['Get', 'Path', 'Remove', 'Mount', 'Unmount']) {
      assert.deepEqual(await call(`/VolumeDriver.${path}`, { Name: 'app-0', ID: 'a' }), gone);
    }
    assert.deepEqual(await call('/VolumeDriver.List'), { Volumes: [], ...fine });
  });
});

test('a name that exists is never another volume; what cannot be mounted is an error', async () => {
  await withSite(async (site) => {
    const { call } = site;
    const create = async (more: object): Promise<unknown> =>
      (await call('/VolumeDriver.Create', { Name: 'app-0', Opts: { ...Opts, ...more } }))['Err'];
    assert.equal(await create({}), '');
    assert.equal(await create({}), '');
    assert.equal(await create({ port: '2' }), 'volume "app-0" exists with other options');
    assert.equal(await create({ host: 'x' }), 'illegal value of option "host"');
    site.trouble = 'the files are out of reach';
    const asked = { Name: 'app-0', ID: 'a' };
    assert.deepEqual(await call('/VolumeDriver.Mount', asked), {
      Err: 'the files are out of reach',
    });
    assert.match(JSON.stringify(await call('/VolumeDriver.Get', asked)), /"usedBy":\[\]/);
    // An sshfs that was killed is not believed to be there.
    site.trouble = undefined;
    await call('/VolumeDriver.Mount', asked);
    site.mounted.clear();
    assert.equal((await call('/VolumeDriver.Path', asked))['Mountpoint'], '');
    await call('/VolumeDriver.Mount', { ...asked, ID: 'b' });
    assert.equal(site.mounted.size, 1);
  });
});

test('many at once are one mount; all of it is known to the next process, to root alone', async () => {
  await withSite(async (site) => {
    const { call, base } = site;
    await call('/VolumeDriver.Create', { Name: 'app-0', Opts });
    const ids = Array.from({ length: 20 }, (_, index) => String(index));
    await Promise.all(ids.map((ID) => call('/VolumeDriver.Mount', { Name: 'app-0', ID })));
    assert.equal(site.mounted.size, 1);
    await site.restart();
    assert.match(JSON.stringify(await call('/VolumeDriver.List')), /"Name":"app-0"/);
    // What Docker still believes of the old process is no reason to refuse.
    assert.deepEqual(await call('/VolumeDriver.Unmount', { Name: 'app-0', ID: '1' }), fine);
    const path = join(base, 'state', 'volumes.json');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    writeFileSync(path, '{"volumes": [');
    await site.restart();
    assert.deepEqual((await call('/VolumeDriver.List'))['Volumes'], []);
    assert.equal(readFileSync(`${path}.bad`, 'utf8'), '{"volumes": [');
  });
});

test('what is no call of Docker’s is refused', async () => {
  await withSite(async ({ call }) => {
    for (const body of ['', 'null', '{"Name": 1}', '{"Opts": {"port": 1}}', '{']) {
      const { Err } = await call('/VolumeDriver.Create', body);
      assert.equal(Err, "/VolumeDriver.Create: not a call of Docker's", body);
    }
    const { Err } = await call('/VolumeDriver.Create', `{"Name": "${'a'.repeat(70_000)}"}`);
    assert.equal(Err, 'a call that is too long');
    assert.match(String((await call('/VolumeDriver.Nothing'))['Err']), /no such call/);
    for (const Name of ['../x', 'a/b', 'a\n', '']) {
      const refused = await call('/VolumeDriver.Create', { Name, Opts });
      assert.equal(refused['Err'], 'illegal name of a volume');
    }
  });
});
