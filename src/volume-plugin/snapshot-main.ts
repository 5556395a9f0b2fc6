import { parseArgs } from 'node:util';
import { systemClock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { createLogger } from '#base/log.ts';
import { keepCopied } from '#host/mounts/keep-copied.ts';
import { dialFiles } from './link/dial.ts';
import { parseVolumeOptions } from './volume-options.ts';

/**
 * Where no volume plugin can be: copies a pod's small volumes into volumes of the engine's own, mounted
 * below `--directory`. With `--once` it says what could not be copied, as JSON, and ends; else it looks
 * after them.
 */
const { values, positionals } = parseArgs({
  options: {
    host: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    container: { type: 'string', default: '' },
    directory: { type: 'string', default: '/copy' },
    once: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

async function main(): Promise<void> {
  const clock = systemClock;
  const { host, port, container, directory, once } = values;
  const token = process.env['TELEPRESENCE_FILES_TOKEN'] ?? '';
  const options = parseVolumeOptions({ host, port, container, token, ro: 'true' });
  process.umask(0o022);
  const write = (line: string): void => void process.stderr.write(line);
  const log = createLogger({ clock, write }, { level: 'info', fields: { program: 'snapshot' } });
  const ended = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => ended.abort(new Error(name)));
  }
  const { signal } = ended;
  const open = async (until: AbortSignal) => await dialFiles({ clock }, options, until);
  const deps = { clock, log, random: Math.random, open };
  const wanted = { directory, volumes: positionals, forEverybody: true, signal };
  await using copy = await keepCopied(deps, wanted);
  if (once) {
    process.stdout.write(`${JSON.stringify(copy.leftOut)}\n`);
    return;
  }
  const over = Promise.withResolvers<undefined>();
  signal.addEventListener('abort', () => over.resolve(undefined));
  await over.promise;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`volume-snapshot: error: ${describe(error)}\n`);
    process.exit(1);
  },
);
