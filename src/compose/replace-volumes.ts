import { posix } from 'node:path';
import type { ComposeDocument, Service } from './document.ts';

/** A volume of the pod's, which Docker has by now. */
export interface PodVolume {
  /** Its name in Docker. */
  readonly volume: string;
  /** Where it is in the handler's container. */
  readonly target: string;
  readonly readOnly: boolean;
}

/**
 * Mounts the pod's volumes in one service, in place of whatever of its own would be at the same place or
 * inside. What lies around one of them stays: people mount their sources there.
 */
export function replaceVolumes(
  document: ComposeDocument,
  of: { readonly service: string; readonly volumes: readonly PodVolume[] },
): { readonly document: ComposeDocument; readonly notes: readonly string[] } {
  const service = document.services[of.service];
  if (service === undefined || of.volumes.length === 0) return { document, notes: [] };
  const notes: string[] = [];
  const targets = of.volumes.map(({ target }) => target);
  const keeps = (what: string, target: string, isOurs = false): boolean => {
    const over = targets.find((pods) => isWithin(target, pods));
    if (over === undefined) return true;
    if (!isOurs) {
      notes.push(
        `service ${of.service}: ${what} at ${target} is replaced by the pod's volume at ${over}`,
      );
    }
    return false;
  };
  const keyOf = volumeKeys(document, of.volumes);
  const ours = new Set(of.volumes.map(({ volume }) => keyOf(volume)));
  const kept = (service.volumes ?? []).filter(({ type, target, source }) =>
    keeps(
      type === 'bind' ? `the mount of ${source ?? ''}` : 'the volume',
      target,
      ours.has(source ?? ''),
    ),
  );
  const mounted = of.volumes.map(({ volume, target, readOnly }) => ({
    type: 'volume',
    source: keyOf(volume),
    target,
    ...(readOnly ? { read_only: true } : {}),
    // What the image has there is not for the pod: Docker would copy it into an empty volume.
    volume: { nocopy: true },
  }));
  const changed: Service = { ...service, volumes: [...kept, ...mounted] };
  replaceFiles(changed, keeps);
  const volumes = Object.fromEntries(
    of.volumes.map(({ volume }) => [keyOf(volume), { name: volume, external: true }]),
  );
  return {
    document: {
      ...document,
      services: { ...document.services, [of.service]: changed },
      volumes: { ...document.volumes, ...volumes },
    },
    notes,
  };
}

/** Files in memory, secrets and configs are mounts too. */
function replaceFiles(service: Service, keeps: (what: string, target: string) => boolean): void {
  const { tmpfs, secrets, configs } = service;
  if (tmpfs !== undefined) {
    const all = typeof tmpfs === 'string' ? [tmpfs] : tmpfs;
    service.tmpfs = all.filter((one) => keeps('the tmpfs', one.split(':')[0] ?? ''));
  }
  if (secrets !== undefined) {
    service.secrets = secrets.filter((one) => keeps('the secret', targetOf(one, '/run/secrets')));
  }
  if (configs !== undefined) {
    service.configs = configs.filter((one) => keeps('the config', targetOf(one, '/')));
  }
}

function targetOf(
  file: string | { readonly source: string; readonly target?: string | undefined },
  directory: string,
): string {
  const { source, target } = typeof file === 'string' ? { source: file, target: undefined } : file;
  return posix.resolve(directory, target ?? source);
}

/** Whether mounting at `target` would be at `mount` or inside it. */
function isWithin(target: string, mount: string): boolean {
  const [inner, outer] = [posix.resolve('/', target), posix.resolve('/', mount)];
  return inner === outer || inner.startsWith(outer === '/' ? '/' : `${outer}/`);
}

/** The user may have a volume that is called so in his own document. */
function volumeKeys(
  { volumes }: ComposeDocument,
  ours: readonly PodVolume[],
): (volume: string) => string {
  const keys = new Map<string, string>();
  for (const { volume } of ours) {
    let key = volume;
    while (Object.hasOwn(volumes, key) && volumes[key]?.name !== volume) key += '-pod';
    keys.set(volume, key);
  }
  return (volume) => keys.get(volume) ?? volume;
}
