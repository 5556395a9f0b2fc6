import type { Delta } from '#kube/watch.ts';
import type { EndpointSliceObject, ServiceObject } from '../state/cluster-objects.ts';
import { serviceFacts, serviceOfSlice, type ServiceFacts } from '../state/service-info.ts';

/** What has changed since a follower last looked. */
export interface ServiceChanges {
  readonly changed: readonly ServiceFacts[];
  /** `namespace/name` */
  readonly removed: readonly string[];
}

/** All Services with what is ready behind them, told as deltas. */
export interface ServiceModel {
  onService(delta: Delta<ServiceObject>): void;
  onSlice(delta: Delta<EndpointSliceObject>): void;
  /** The Services of these namespaces, as they are now. */
  inNamespaces(namespaces: ReadonlySet<string>): ServiceFacts[];
  /** Everything at first, then what changed, until the signal aborts. Bursts come together. */
  follow(
    wanted: (namespace: string) => boolean,
    signal: AbortSignal,
  ): AsyncIterable<ServiceChanges>;
}

// A rolling update changes a slice many times in a moment.
const burstMs = 25;

/** An empty model. */
export function createServiceModel(deps: {
  readonly clock: { sleep(ms: number, signal: AbortSignal): Promise<void> };
}): ServiceModel {
  const services = new Map<string, ServiceObject>();
  const slices = new Map<string, Map<string, EndpointSliceObject>>();
  const facts = new Map<string, ServiceFacts>();
  const followers = new Set<{ pending: Set<string>; wake: () => void }>();

  const refresh = (key: string): void => {
    const service = services.get(key);
    const next = service && serviceFacts(service, [...(slices.get(key)?.values() ?? [])]);
    if (JSON.stringify(next) === JSON.stringify(facts.get(key))) return;
    if (next === undefined) facts.delete(key);
    else facts.set(key, next);
    for (const follower of followers) {
      follower.pending.add(key);
      follower.wake();
    }
  };

  return {
    onService(delta) {
      if (delta.type === 'synced') return;
      if (delta.type === 'deleted') services.delete(delta.key);
      else services.set(delta.key, delta.object);
      refresh(delta.key);
    },
    onSlice(delta) {
      if (delta.type === 'synced') return;
      const owner = serviceOfSlice(delta.object);
      if (owner === undefined) return;
      const set = slices.get(owner) ?? new Map<string, EndpointSliceObject>();
      if (delta.type === 'deleted') set.delete(delta.key);
      else set.set(delta.key, delta.object);
      if (set.size === 0) slices.delete(owner);
      else slices.set(owner, set);
      refresh(owner);
    },
    inNamespaces: (namespaces) =>
      [...facts.values()].filter((one) => namespaces.has(one.namespace)),
    async *follow(wanted, signal) {
      const follower = { pending: new Set(facts.keys()), wake: (): void => {} };
      followers.add(follower);
      const sent = new Set<string>();
      try {
        for (;;) {
          const keys = [...follower.pending];
          follower.pending.clear();
          const changed = keys
            .flatMap((key) => facts.get(key) ?? [])
            .filter((one) => wanted(one.namespace));
          const removed = keys.filter((key) => !facts.has(key) && sent.has(key));
          for (const one of changed) sent.add(`${one.namespace}/${one.name}`);
          for (const key of removed) sent.delete(key);
          yield { changed, removed };
          while (follower.pending.size === 0) {
            if (signal.aborted) return;
            await woken(follower, signal);
          }
          await deps.clock.sleep(burstMs, signal).catch(() => {});
          if (signal.aborted) return;
        }
      } finally {
        followers.delete(follower);
      }
    },
  };
}

async function woken(follower: { wake: () => void }, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      follower.wake = () => {};
      resolve();
    };
    follower.wake = done;
    signal.addEventListener('abort', done, { once: true });
  });
}
