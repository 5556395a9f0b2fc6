import { run } from '../../images/command.ts';
import { assembleDemoImages, demoImages } from '../../playground/demo-images.ts';
import { settingsFrom } from '../../playground/settings.ts';
import { onLaptop } from '../run.ts';

/** Real servers on the laptop's engine: Debian's PostgreSQL and Redis, as the demo application has them. */
export const serverImages = { postgres: demoImages.postgres, redis: demoImages.redis } as const;

/** Has the engine load them. */
export async function loadServerImages(): Promise<void> {
  const { layout } = settingsFrom(process.env);
  const signal = AbortSignal.timeout(300_000);
  const applets = (await run(['busybox', '--list'], { signal })).stdout.trim().split('\n');
  const progress = (text: string): void => void process.stderr.write(`prepare: ${text}\n`);
  const deps = { cache: layout.cache, env: process.env, progress, applets, node: process.execPath };
  const tars = await assembleDemoImages(deps, signal);
  for (const name of Object.values(serverImages)) {
    const start = `${name.replaceAll(/[/:]/g, '_')}-`;
    const tar = tars.find((path) => path.includes(`/${start}`));
    if (tar === undefined) throw new Error(`no image ${name}`);
    await onLaptop(['docker', 'load', '--quiet', '--input', tar]);
  }
}
