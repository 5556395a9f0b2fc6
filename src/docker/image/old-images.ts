import type { DockerCommand } from '../command.ts';

/** Says whose image it is. Not what our containers say of themselves: whatever runs the image inherits it. */
export const madeByLabel = 'telepresence.made-by';

/** Our image of one version, as the engine lists it. */
interface ListedImage {
  readonly name: string;
  readonly version: string;
}

/**
 * Removes the images that this user has made for earlier versions. Another user's stay, and newer ones,
 * for whoever has both installed; and what a container still uses, which Docker itself refuses.
 */
export async function removeOldImages(
  { docker }: { readonly docker: DockerCommand },
  options: { readonly laptop: string; readonly name: string; readonly signal: AbortSignal },
): Promise<void> {
  const { laptop, name, signal } = options;
  const mine = ['--filter', `label=${madeByLabel}=${laptop}`];
  const format = ['--format', '{{.Repository}}\t{{.Tag}}'];
  const listed = await docker.run(['image', 'ls', ...mine, ...format], { signal, mayFail: true });
  for (const old of olderImages(listed.stdout, name)) {
    // One by one: that one is in use says nothing of the next.
    await docker.run(['image', 'rm', old], { signal, mayFail: true });
  }
}

/** Those of the listed images that are of the same repository as `name`, and of an earlier version. */
export function olderImages(printed: string, name: string): readonly string[] {
  const now = read(name.replace(/:([^:]*)$/, '\t$1'));
  return printed
    .split('\n')
    .map(read)
    .filter((each) => each.name === now.name && isEarlier(each.version, now.version))
    .map((each) => `${each.name}:${each.version}`);
}

function read(line: string): ListedImage {
  const [name = '', version = ''] = line.split('\t');
  return { name, version };
}

/** Whether one release came before another; what is no version came before nothing. */
function isEarlier(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => /^(\d+)\.(\d+)\.(\d+)(-.*)?$/.exec(text));
  if (a === null || a === undefined || b === null || b === undefined) return false;
  for (const part of [1, 2, 3]) {
    const difference = Number(a[part]) - Number(b[part]);
    if (difference !== 0) return difference < 0;
  }
  // A release comes after all that led to it; which of those is the older one is not asked.
  return a[4] !== undefined && b[4] === undefined;
}
