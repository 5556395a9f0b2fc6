import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import type { KubeClient } from '#kube/client.ts';
import { resources } from '#kube/resource.ts';
import { group } from '#protocol/resources.ts';

const review = v.object({ status: v.object({ allowed: v.optional(v.boolean(), false) }) });

/** A user as a Connection proves it. */
export interface ProvenUser {
  readonly user: string;
  readonly groups?: readonly string[] | undefined;
}

/** Which namespaces a user may use: those in which they may make a Connection. */
export interface NamespaceRights {
  /** Those of `namespaces`; asks the API server what it has not said lately. */
  among(
    who: ProvenUser,
    namespaces: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>>;
}

interface Deps {
  readonly client: Pick<KubeClient, 'create'>;
  readonly clock: Pick<Clock, 'monotonic'>;
}

const believedMs = 60_000;
const atOnce = 8;
const askMs = 4000;
/** Answers that are kept at most; beyond them all are asked for again. */
const maxKept = 50_000;

/** Asks by SubjectAccessReview, once a minute and namespace at most. */
export function createNamespaceRights(deps: Deps): NamespaceRights {
  const answers = new Map<string, { readonly allowed: boolean; readonly until: number }>();

  const may = async (
    who: ProvenUser,
    namespace: string | undefined,
    signal: AbortSignal,
  ): Promise<boolean> => {
    const key = JSON.stringify([who.user, who.groups ?? [], namespace ?? '*']);
    const known = answers.get(key);
    if (known !== undefined && deps.clock.monotonic() < known.until) return known.allowed;
    const { status } = await deps.client.create({
      resource: resources.subjectAccessReviews,
      schema: review,
      object: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: who.user,
          groups: who.groups ?? [],
          resourceAttributes: {
            verb: 'create',
            group,
            resource: 'connections',
            // Left out: in all of them.
            ...(namespace === undefined ? {} : { namespace }),
          },
        },
      },
      deadlineMs: askMs,
      signal,
    });
    if (answers.size >= maxKept) answers.clear();
    answers.set(key, { allowed: status.allowed, until: deps.clock.monotonic() + believedMs });
    return status.allowed;
  };

  return {
    async among(who, namespaces, signal) {
      if (namespaces.length === 0) return new Set();
      if (await may(who, undefined, signal)) return new Set(namespaces);
      const allowed = new Set<string>();
      const left = [...namespaces];
      const work = async (): Promise<void> => {
        for (let next = left.pop(); next !== undefined; next = left.pop()) {
          if (await may(who, next, signal)) allowed.add(next);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, work));
      return allowed;
    },
  };
}
