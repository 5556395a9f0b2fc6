import { join } from 'node:path';
import { rolldown } from 'rolldown';

const names = ['relay', 'target', 'probe', 'flood', 'steady'] as const;
const sources = {
  relay: 'pod/relay.ts',
  target: 'pod/target.ts',
  probe: 'probe.ts',
  flood: 'flood.ts',
  steady: 'steady.ts',
} as const;

/** Bundles what runs in the pods, each into one file, by file name. */
export async function bundlePodPrograms(): Promise<ReadonlyMap<string, string>> {
  const programs = new Map<string, string>();
  for (const name of names) {
    await using bundle = await rolldown({
      input: join(import.meta.dirname, sources[name]),
      platform: 'node',
      cwd: join(import.meta.dirname, '..'),
      logLevel: 'warn',
    });
    const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
    programs.set(`${name}.mjs`, output[0].code);
  }
  return programs;
}
