import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { createLogger, logLevel, type Logger } from '#base/log.ts';
import type { RemoteMounts } from '#host/mounts/remote-mounts.ts';
import { createSshfsMounts } from '#host/mounts/sshfs.ts';
import { servePluginApi } from './api/plugin-api.ts';
import { bindFile } from './bind-file.ts';
import { createLinks } from './link/links.ts';
import { removeEmpty, showVolume } from './show-volume.ts';
import { openStateFile } from './state-file.ts';
import { openVolumes } from './volumes.ts';

const { values } = parseArgs({
  options: {
    socket: { type: 'string', default: '/run/docker/plugins/telemount.sock' },
    directory: { type: 'string', default: '/mnt/volumes' },
    private: { type: 'string', default: '/var/lib/telemount/files' },
    state: { type: 'string', default: '/var/lib/telemount/volumes.json' },
  },
});

/** Longer than unmounting takes; Docker itself kills after 10 s. */
const endMs = 8000;

async function main(): Promise<void> {
  const clock = systemClock;
  const level = logLevel(process.env['LOG_LEVEL'] ?? '') ?? 'info';
  const write = (line: string): void => void process.stderr.write(line);
  const log = createLogger({ clock, write }, { level, fields: { program: 'volume-plugin' } });
  const mounts = createSshfsMounts({ clock });
  const { directory, socket, private: privateDirectory } = values;
  for (const each of [directory, privateDirectory]) {
    await mkdir(each, { recursive: true });
    await clear({ log, mounts }, each);
  }
  const links = createLinks({ clock, log, random: Math.random });
  const shown = { clock, links, mounts, bindFile, privateDirectory };
  await using volumes = await openVolumes({
    clock,
    log,
    state: openStateFile({ log }, values.state),
    show: async (wanted) => await showVolume(shown, wanted),
    directory,
  });
  await mkdir(dirname(socket), { recursive: true });
  const signal = AbortSignal.timeout(5000);
  await using _api = await servePluginApi({ log, volumes }, { path: socket, signal });
  const end = Promise.withResolvers<string>();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => end.resolve(name));
  }
  log.info('volume plugin runs', { pid: process.pid });
  log.info('volume plugin ends', { reason: await end.promise });
  clock.after(endMs, () => process.exit(1));
}

/** What a killed one has left answers nobody: it is taken away, and what is empty with it. */
async function clear(
  { log, mounts }: { readonly log: Logger; readonly mounts: RemoteMounts },
  directory: string,
): Promise<void> {
  for (const name of await readdir(directory)) {
    const mountPoint = join(directory, name);
    try {
      await mounts.release(mountPoint);
      await removeEmpty(mountPoint);
    } catch (error) {
      log.warning('mount point not removed', { mountPoint, reason: describe(error) });
    }
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`volume-plugin: error: ${describe(error)}\n`);
    process.exit(1);
  },
);
