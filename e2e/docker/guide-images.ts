import { onLaptop } from '../run.ts';

const here = new URL('.', import.meta.url).pathname;

/** Gives the laptop's engine the images that the guides name, which no registry has here, made of ours. */
export async function makeGuideImages(ours: string): Promise<void> {
  for (const [name, folder] of [
    ['jmalloc/echo-server', 'echo-server'],
    ['curlimages/curl', 'curl'],
  ] as const) {
    const base = ['--build-arg', `BASE=${ours}`];
    await onLaptop(['docker', 'build', '--quiet', '--tag', name, ...base, `${here}${folder}`]);
  }
}
