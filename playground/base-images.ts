import { join } from 'node:path';
import { assemble } from '../images/assemble.ts';
import type { TarEntry } from '#docker/image/tar.ts';
import type { Binaries } from './binaries.ts';
import { corednsImage } from './cluster-dns.ts';
import { pauseImage } from './node.ts';

/** The image with every busybox applet, always present in a playground. */
export const busyboxImage = 'playground/busybox:1';

/** Makes the images that a playground needs to start; returns their tars. */
export async function assembleBaseImages(
  binaries: Binaries,
  deps: { readonly cache: string; readonly applets: readonly string[] },
): Promise<readonly string[]> {
  const directory = join(deps.cache, 'images');
  return Promise.all([
    assemble(
      {
        name: pauseImage,
        entries: [program('pause', binaries.pause)],
        config: { entrypoint: ['/pause'], user: '65535:65535' },
      },
      directory,
    ),
    assemble(
      {
        name: corednsImage,
        entries: [program('coredns', binaries.coredns)],
        config: { entrypoint: ['/coredns'], user: '65532:65532' },
      },
      directory,
    ),
    assemble(
      {
        name: busyboxImage,
        entries: busyboxFiles(deps.applets),
        config: { entrypoint: [], command: ['sh'] },
      },
      directory,
    ),
  ]);
}

/** A root file system of busybox: its applets in /bin, users, a /tmp that anyone may write. */
export function busyboxFiles(applets: readonly string[]): readonly TarEntry[] {
  const text = (path: string, content: string): TarEntry => ({
    kind: 'file',
    path,
    mode: 0o644,
    content: { bytes: Buffer.from(content) },
  });
  return [
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    { kind: 'directory', path: 'var/tmp', mode: 0o1777 },
    { kind: 'directory', path: 'root', mode: 0o700 },
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/tmp:/bin/false\n'),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    program('bin/busybox', '/bin/busybox'),
    ...applets
      .filter((applet) => applet !== 'busybox')
      .map((applet) => ({ kind: 'symlink', path: `bin/${applet}`, target: 'busybox' }) as const),
  ];
}

function program(path: string, from: string): TarEntry {
  return { kind: 'file', path, mode: 0o755, content: { from } };
}
