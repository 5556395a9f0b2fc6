import { parseMount, type MountAsked } from '../parse/mount.ts';

/** Where a container has the pod's files, in itself; without a word: where they are in the pod, as they cost nothing there. */
export function containerMount({
  mountPoint = true,
}: {
  readonly mountPoint?: boolean | string | undefined;
}): MountAsked | undefined {
  return parseMount(String(mountPoint), '/');
}
