import { join } from 'node:path';
import { assemble } from '../images/assemble.ts';
import { run } from '../images/command.ts';
import type { TarEntry } from '#docker/image/tar.ts';
import { BenchError } from './error.ts';

/** The image of all pods of the bench: Node, iperf3, wrk, and the libraries they need. */
export const labImage = `bench/tools:${process.versions.node}-1`;

/** Writes the image's tar, or finds it where nothing changed; returns its path. */
export async function assembleLabImage(
  deps: { readonly cache: string; readonly node: string },
  signal: AbortSignal,
): Promise<string> {
  const programs = { node: deps.node, iperf3: '/usr/bin/iperf3', wrk: '/usr/bin/wrk' };
  const libraries = new Set<string>();
  for (const path of Object.values(programs)) {
    for (const library of await librariesOf(path, signal)) libraries.add(library);
  }
  const entries: TarEntry[] = [
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    ...Object.entries(programs).map(([name, from]) => file(`usr/local/bin/${name}`, from)),
    ...[...libraries].map((library) => file(library.slice(1), library)),
  ];
  return assemble(
    { name: labImage, entries, config: { entrypoint: ['/usr/local/bin/node'] } },
    join(deps.cache, 'images'),
  );
}

function file(path: string, from: string): TarEntry {
  return { kind: 'file', path, mode: 0o755, content: { from } };
}

async function librariesOf(program: string, signal: AbortSignal): Promise<readonly string[]> {
  const { stdout, status } = await run(['ldd', program], { signal, mayFail: true });
  if (status !== 0) {
    throw new BenchError('NotReady', `${program} is missing: apt-get install iperf3 wrk`);
  }
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
}
