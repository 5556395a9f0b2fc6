import { modeOf } from '#protocol/intercept-mode.ts';
import type { Intercept } from '#protocol/resources.ts';
import { templateAnnotation } from './annotations.ts';
import { holds } from './claim-order.ts';
import { nameOf, ownerOf, podsOf } from './owner.ts';
import { servicesFor } from './service-port.ts';
import { checkInterceptable } from './find-workload.ts';
import type { ClusterView, Workload } from './view.ts';

/** A workload as `telepresence list` shows it. */
export interface ListedWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  readonly uid: string;
  /** Empty when it can be intercepted. */
  readonly notInterceptableReason: string;
  readonly agentInstalled: boolean;
  /** Whoever intercepts it, or keeps it for when the laptop is back. */
  readonly heldBy: Holder[];
}

/** An Intercept that has what it asked for, and whose it is. */
interface Holder {
  connectionUid: string;
  client: string;
  name: string;
  state: string;
  replaced: boolean;
  /** Empty: an intercept. */
  mode: string;
}

/** The workloads of a namespace that somebody may think of as such. */
export function listWorkloads(
  view: ClusterView,
  namespace: string,
  intercepts: Iterable<Intercept>,
): ListedWorkload[] {
  const holding = [...intercepts].filter(
    (one) => one.metadata.namespace === namespace && holds(one),
  );
  return view
    .workloadsIn(namespace)
    .filter((workload) => ownerOf(view, workload) === undefined)
    .map((workload) => {
      const pods = podsOf(view, workload);
      const { name, uid } = workload.object.metadata;
      return {
        namespace,
        name,
        kind: workload.kind,
        uid,
        notInterceptableReason: reasonAgainst(view, workload),
        heldBy: holding.filter((one) => isOf(one, workload)).map(holderOf),
        agentInstalled: pods.length > 0 && pods.every((pod) => pod.spec.agent !== undefined),
      };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}

function isOf({ spec, status }: Intercept, { kind, object }: Workload): boolean {
  return spec.workload.name === object.metadata.name && status.workloadKind === kind;
}

function holderOf({ spec, status }: Intercept): Holder {
  const { client, name, connection, replaceContainer: replaced = false } = spec;
  const state = (status.state ?? '').toUpperCase();
  const mode = modeOf(spec) === 'intercept' ? '' : modeOf(spec);
  return { connectionUid: connection.uid, client, name, state, replaced, mode };
}

function reasonAgainst(view: ClusterView, workload: Workload): string {
  const checked = checkInterceptable(workload, view);
  if (!checked.ok) return checked.refusal.message;
  const services = servicesFor(view, workload, undefined);
  if (services.ok && services.value.length > 0) return '';
  const { annotations } = workload.object.spec.template.metadata;
  const offered = templateAnnotation(annotations, 'inject-container-ports');
  return offered === undefined ? `no Service selects ${nameOf(workload)}` : '';
}
