import type { DockerOption } from '../docker-words.ts';

/** Where the user's own words mount something: Docker takes no two mounts at one place. */
export function ownMounts(options: readonly DockerOption[]): ReadonlySet<string> {
  const found = options.flatMap(({ name, value }) => {
    if (name === 'volume') return targetOfVolume(value);
    if (name === 'mount') return targetOfMount(value);
    if (name === 'tmpfs') return value.split(':')[0] ?? '';
    return [];
  });
  return new Set(found.filter((path) => path !== '').map(cleaned));
}

/** `[SOURCE:]TARGET[:OPTIONS]`, where a source of Windows has a colon of its own. */
function targetOfVolume(value: string): string {
  const parts = value.replace(/^[A-Za-z]:(?=[\\/])/, '').split(':');
  return (parts.length === 1 ? parts[0] : parts[1]) ?? '';
}

/** `type=…,target=…`, as CSV. */
function targetOfMount(value: string): string {
  const target = /(?:^|,)"?(?:target|destination|dst)=([^,"]*)/i.exec(value);
  return target?.[1] ?? '';
}

/** A path as Docker compares it. */
function cleaned(path: string): string {
  return path.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
}
