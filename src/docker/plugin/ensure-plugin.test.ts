import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DockerCommand } from '../command.ts';
import { ensurePlugin } from './ensure-plugin.ts';
import { pluginDescription } from './volume-plugin.ts';

const { signal } = new AbortController();
const name = 'telepresence/telemount:amd64-1';

/** An engine as far as plugins go; `says` is what it complains of instead of doing a thing. */
class FakeEngine {
  plugin: { enabled: boolean; content: string } | undefined;
  readonly says = new Map<string, string>();
  readonly ran: string[] = [];
  slept = 0;
  onSleep: () => void = () => {};

  readonly docker: DockerCommand = {
    path: 'docker',
    env: {},
    run: async ([, verb = '', ...rest]) => {
      this.ran.push(verb);
      const done = (stdout = '') => ({ status: 0, stdout, stderr: '' });
      const complaint = this.says.get(verb);
      if (complaint !== undefined) return { status: 1, stdout: '', stderr: complaint };
      if (verb === 'create') this.plugin = { enabled: false, content: 'c' };
      if (verb === 'rm') this.plugin = undefined;
      if (verb === 'enable' && this.plugin !== undefined) this.plugin.enabled = true;
      if (verb !== 'inspect' || rest.at(-1) !== name) return done();
      if (this.plugin === undefined) return { status: 1, stdout: '', stderr: 'no such plugin' };
      const Config = { Description: pluginDescription(this.plugin.content) };
      return done(JSON.stringify({ Enabled: this.plugin.enabled, Config }));
    },
  };

  async ensure(): Promise<string> {
    return await ensurePlugin(
      {
        clock: {
          sleep: async () => {
            this.slept += 1;
            this.onSleep();
          },
        },
        docker: this.docker,
        facts: { kind: 'docker', rootless: false },
        ownPlugin: async () => ({
          name,
          otherName: `${name}-c`,
          content: 'c',
          directory: async () => ({ path: '/x', [Symbol.asyncDispose]: async () => {} }),
        }),
        progress: () => {},
      },
      signal,
    );
  }
}

test('made and enabled once; what runs is left as it is', async () => {
  const engine = new FakeEngine();
  assert.equal(await engine.ensure(), name);
  assert.equal(await engine.ensure(), name);
  assert.deepEqual(
    engine.ran.filter((verb) => verb === 'create' || verb === 'enable'),
    ['create', 'enable'],
  );
});

test('an engine that says no takes no plugins; whatever else goes wrong is told as it is', async () => {
  const cases = [
    ['Error response from daemon: plugins are not allowed here', 'EngineUnfit'],
    ['Error response from daemon: write /var/lib/x: no space left on device', 'CommandFailed'],
    ['Error response from daemon: dial unix /run/docker/plugins/x: timeout', 'CommandFailed'],
    ['context canceled', 'CommandFailed'],
    ['Cannot connect to the Docker daemon at unix:///var/run/docker.sock.', 'NotRunning'],
  ] as const;
  for (const [said, code] of cases) {
    const engine = new FakeEngine();
    engine.says.set('create', said);
    await assert.rejects(engine.ensure(), { code }, said);
  }
});

test('one that another command is about to enable is waited for, and never removed', async () => {
  const engine = new FakeEngine();
  engine.plugin = { enabled: false, content: 'c' };
  engine.says.set('enable', 'Error response from daemon: container with id exists');
  engine.onSleep = () => {
    if (engine.slept === 3 && engine.plugin !== undefined) engine.plugin.enabled = true;
  };
  assert.equal(await engine.ensure(), name);
  // That one never comes to its end: it may be slow, and is not ours to take away.
  engine.plugin.enabled = false;
  await assert.rejects(engine.ensure(), { code: 'CommandFailed' });
  assert.ok(engine.slept < 100);
  assert.ok(!engine.ran.includes('rm'));
  // One that this call has made, and that nobody enables, serves nobody.
  engine.plugin = undefined;
  await assert.rejects(engine.ensure(), { code: 'CommandFailed' });
  assert.equal(engine.plugin, undefined);
});
