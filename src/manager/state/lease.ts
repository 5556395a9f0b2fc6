import * as v from 'valibot';

const optionalText = v.optional(v.nullable(v.string()));

/** A Lease of coordination.k8s.io/v1. */
export const leaseObject = v.object({
  metadata: v.object({
    name: v.string(),
    namespace: v.optional(v.string(), ''),
    resourceVersion: v.optional(v.string(), ''),
    uid: v.optional(v.string(), ''),
  }),
  spec: v.optional(
    v.object({
      holderIdentity: optionalText,
      leaseDurationSeconds: v.optional(v.nullable(v.number())),
      acquireTime: optionalText,
      renewTime: optionalText,
      leaseTransitions: v.optional(v.nullable(v.number())),
    }),
    {},
  ),
});
export type LeaseObject = v.InferOutput<typeof leaseObject>;

/** So long a holder is believed that says nothing. */
export const leaseMs = 10_000;
/** The holder says this often that it is there. */
export const renewLeaseMs = 3000;
/** A holder that could not say so for this long writes nothing more: well before it is disbelieved. */
export const trustOwnMs = 7000;

/** `<pod>/<one start of its process>`: a process that was started again is another holder. */
export interface Holder {
  readonly pod: string;
  readonly start: string;
}

/** The holder as the Lease's holderIdentity. */
export function holderText({ pod, start }: Holder): string {
  return `${pod}/${start}`;
}

/** The pod of a holderIdentity. */
export function podOfHolder(text: string): string {
  return text.split('/')[0] ?? '';
}

/** What may be done with a Lease that somebody else holds, or nobody. */
export type LeaseChance =
  /** Nobody holds it, or it has not been renewed for its whole time. */
  | { readonly kind: 'take' }
  /** Its holder's process may be dead: to be asked of the API server. */
  | { readonly kind: 'ask'; readonly pod: string }
  /** Not before this many milliseconds. */
  | { readonly kind: 'wait'; readonly ms: number };

/**
 * Whether a Lease can be taken. Its times are never read, since clocks differ: it has ended when it
 * was not seen to change for its whole length, by our own clock (as client-go does).
 */
export function leaseChance(
  lease: LeaseObject | undefined,
  own: Holder,
  seen: {
    /** How long ago it was seen to change. */
    readonly unchangedMs: number;
    /** Whether a process of that pod can be alive, as far as is known here. */
    readonly runs: (pod: string) => boolean;
  },
): LeaseChance {
  const holder = lease?.spec.holderIdentity ?? '';
  if (holder === '') return { kind: 'take' };
  const pod = podOfHolder(holder);
  // A container runs once at a time: whoever held it here before has ended.
  if (pod === own.pod) return { kind: 'take' };
  const lengthMs = (lease?.spec.leaseDurationSeconds ?? leaseMs / 1000) * 1000;
  if (seen.unchangedMs >= lengthMs) return { kind: 'take' };
  if (!seen.runs(pod)) return { kind: 'ask', pod };
  return { kind: 'wait', ms: lengthMs - seen.unchangedMs };
}

/** The Lease as its new holder, or as the same one again, writes it. */
export function leaseFor(
  before: LeaseObject | undefined,
  own: Holder,
  now: Date,
): LeaseObject['spec'] {
  const holderIdentity = holderText(own);
  const same = before?.spec.holderIdentity === holderIdentity;
  const time = now.toISOString().replace('Z', '000Z');
  return {
    holderIdentity,
    leaseDurationSeconds: leaseMs / 1000,
    acquireTime: same ? (before.spec.acquireTime ?? time) : time,
    renewTime: time,
    leaseTransitions: (before?.spec.leaseTransitions ?? 0) + (same || !before ? 0 : 1),
  };
}
