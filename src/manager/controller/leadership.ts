import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { race } from '#base/race.ts';
import type { KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { resources } from '#kube/resource.ts';
import { watchResources } from '#kube/watch.ts';
import { podObject } from '../state/cluster-objects.ts';
import {
  holderText,
  leaseChance,
  leaseFor,
  leaseObject,
  renewLeaseMs,
  trustOwnMs,
  type Holder,
  type LeaseObject,
} from '../state/lease.ts';

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

interface Options {
  readonly namespace: string;
  readonly name: string;
  readonly own: Holder;
  /** Whether a process of that pod can be alive, as far as the watches know. */
  readonly runs: (pod: string) => boolean;
  /** It was won or lost. */
  readonly onChange: () => void;
  readonly signal: AbortSignal;
}

/** Who of several managers writes what everybody reads. No byte of anybody's hangs on it. */
export interface Leadership extends AsyncDisposable {
  readonly isLeader: boolean;
  /** Pods have changed: a holder that has died is not waited for. */
  look(): void;
  /** Lets another one have it, at once; does not take it again. */
  release(): Promise<void>;
}

const callMs = 5000;
const failedMs = 1000;

/** Starts to want the Lease, and keeps it for as long as it can be renewed. */
export function keepLeadership(deps: Deps, options: Options): Leadership {
  const { client, clock, log } = deps;
  const { namespace, name, own, onChange } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const address = { resource: resources.leases, namespace, name, schema: leaseObject };
  let lease: LeaseObject | undefined;
  let changedAt = clock.monotonic();
  let trustedUntil = -Infinity;
  let said = false;
  let expiry: Disposable | undefined;
  let wake = Promise.withResolvers<void>();

  const isLeader = (): boolean => clock.monotonic() < trustedUntil;
  const tell = (): void => {
    if (isLeader() === said) return;
    said = isLeader();
    log.info(said ? 'writes status from now on' : 'writes status no more');
    onChange();
  };
  const watchExpiry = (): void => {
    expiry?.[Symbol.dispose]();
    const leftMs = trustedUntil - clock.monotonic();
    if (leftMs <= 0) tell();
    else expiry = clock.after(leftMs + 1, watchExpiry);
  };
  const rouse = (): void => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  const see = (next: LeaseObject | undefined): void => {
    if (next?.metadata.resourceVersion === lease?.metadata.resourceVersion) return;
    lease = next;
    changedAt = clock.monotonic();
    if (next?.spec.holderIdentity !== holderText(own)) trustedUntil = -Infinity;
    tell();
  };
  const watch = watchResources(deps, {
    resource: resources.leases,
    namespace,
    fieldSelector: `metadata.name=${name}`,
    schema: leaseObject,
    signal,
    onChange(delta) {
      if (delta.type === 'synced') return;
      const next = delta.type === 'deleted' ? undefined : delta.object;
      // What we have written ourselves comes once more, perhaps when there is something newer.
      if (next !== undefined && isOlder(next, lease)) return;
      see(next);
      rouse();
    },
  });

  /** Writes it over the version that is known; another's write in between is a Conflict. */
  const write = async (spec: LeaseObject['spec'], within: AbortSignal): Promise<LeaseObject> => {
    const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec };
    const call = { ...address, deadlineMs: callMs, signal: within };
    if (lease === undefined) {
      return await client.create({ ...call, object: { ...object, metadata: { name, namespace } } });
    }
    const { resourceVersion } = lease.metadata;
    const metadata = { name, namespace, resourceVersion };
    return await client.replace({ ...call, object: { ...object, metadata } });
  };
  const take = async (): Promise<void> => {
    // Counted from before the question: whenever it was answered, it is not later than others think.
    const asked = clock.monotonic();
    const written = await write(leaseFor(lease, own, new Date(clock.now())), signal);
    lease = written;
    changedAt = asked;
    trustedUntil = asked + trustOwnMs;
    watchExpiry();
    tell();
  };
  const isDead = async (pod: string): Promise<boolean> => {
    const found = await client.find({
      resource: resources.pods,
      namespace,
      name: pod,
      schema: podObject,
      deadlineMs: callMs,
      signal,
    });
    return found === undefined || !found.status.running;
  };
  /** One look; returns how long the next may wait, where nothing happens. */
  const step = async (): Promise<number> => {
    if (lease?.spec.holderIdentity === holderText(own)) {
      const due = renewLeaseMs - (clock.monotonic() - changedAt);
      if (due > 0) return due;
      await take();
      return renewLeaseMs;
    }
    const unchangedMs = clock.monotonic() - changedAt;
    const chance = leaseChance(lease, own, { unchangedMs, runs: options.runs });
    if (chance.kind === 'wait') return chance.ms;
    // The watch may be behind: a pod that it does not know can be a new one.
    if (chance.kind === 'ask' && !(await isDead(chance.pod))) return failedMs;
    await take();
    return renewLeaseMs;
  };
  const run = async (): Promise<void> => {
    await watch.synced(signal);
    while (!signal.aborted) {
      const woken = wake.promise;
      let waitMs = failedMs;
      try {
        waitMs = await step();
      } catch (error) {
        if (signal.aborted) return;
        const lost = isKubeError(error, 'Conflict', 'AlreadyExists', 'NotFound');
        log.debug('lease not written', { reason: describe(error) });
        if (lost) await reread().catch(() => {});
      }
      const waiting = new AbortController();
      const slept = clock.sleep(waitMs, AbortSignal.any([signal, waiting.signal]));
      await race([slept, woken]).catch(() => {});
      waiting.abort();
      await slept.catch(() => {});
    }
  };
  const reread = async (): Promise<void> => {
    see(await client.find({ ...address, deadlineMs: callMs, signal }));
  };
  const running = run().catch((error: unknown) => {
    if (!signal.aborted) log.error('no lease', { reason: describe(error) });
  });

  const release = async (): Promise<void> => {
    stop.abort(new Error('lease released'));
    await running;
    const held = lease?.spec.holderIdentity === holderText(own);
    trustedUntil = -Infinity;
    expiry?.[Symbol.dispose]();
    tell();
    if (!held || lease === undefined) return;
    try {
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 };
      lease = await write(spec, AbortSignal.timeout(callMs));
    } catch (error) {
      log.info('lease not released', { reason: describe(error) });
    }
  };
  return {
    get isLeader() {
      return isLeader();
    },
    look: rouse,
    release,
    async [Symbol.asyncDispose]() {
      await release();
      await watch[Symbol.asyncDispose]();
    },
  };
}

function isOlder(next: LeaseObject, known: LeaseObject | undefined): boolean {
  const [a, b] = [next.metadata.resourceVersion, known?.metadata.resourceVersion ?? ''];
  return /^\d+$/.test(a) && /^\d+$/.test(b) && BigInt(a) < BigInt(b);
}
