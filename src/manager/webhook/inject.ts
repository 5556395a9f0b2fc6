import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import {
  agentConfigVariable,
  agentRedirectPort,
  agentRequest,
  type AgentRequest,
} from '#protocol/agent-config.ts';
import { injectionWish } from '#protocol/injection-wish.ts';
import { agentContainer, agentInitContainer, agentRequestAnnotation } from '#protocol/resources.ts';
import {
  agentInit,
  agentSidecar,
  agentTokenVolume,
  tokenVolume,
  type InjectorConfig,
} from './agent-containers.ts';
import type { RequestedPod } from './pod-shape.ts';
import { putAside, replacedIn } from './put-aside.ts';
import { renamePorts } from './rename-ports.ts';

/** A pod with an agent, or why it stays as it is. */
export type Injection =
  | { readonly kind: 'injected'; readonly pod: RequestedPod }
  | { readonly kind: 'left'; readonly reason: LeftReason };

export type LeftReason =
  | 'NotAsked'
  | 'Disabled'
  | 'AlreadyInjected'
  | 'ForeignAgent'
  | 'HostNetwork'
  | 'NoSuchPorts'
  | 'PortInUse'
  | 'BadRequest';

/** One step of RFC 6902. */
export interface PatchOperation {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

/** Brings an agent into a pod that asks for one. A pure function of the request. */
export function inject(pod: RequestedPod, config: InjectorConfig): Injection {
  const request = askedOf(pod.metadata.annotations ?? {});
  if (typeof request === 'string') return { kind: 'left', reason: request };
  const obstacle = obstacleIn(pod);
  if (obstacle !== undefined) return { kind: 'left', reason: obstacle };
  const { containers, renamed } =
    request.take === 'rename'
      ? renamePorts(pod.spec.containers, request.ports)
      : { containers: pod.spec.containers, renamed: [] };
  const replaced = replacedIn(pod, request.replace ?? []);
  // Without any port asked for the agent takes none, and only dials.
  if (request.take === 'rename' && renamed.length === 0 && request.ports.length > 0) {
    return { kind: 'left', reason: 'NoSuchPorts' };
  }
  // In both modes the agent listens there.
  if (declares(pod, agentRedirectPort)) {
    return { kind: 'left', reason: 'PortInUse' };
  }
  const sidecar = agentSidecar(pod, config, { renamed, replaced, take: request.take });
  return {
    kind: 'injected',
    pod: {
      ...pod,
      spec: {
        ...pod.spec,
        containers: putAside(pod, containers, replaced, config),
        initContainers: [
          ...(request.take === 'redirect' ? [agentInit(pod, config)] : []),
          sidecar,
          ...(pod.spec.initContainers ?? []),
        ],
        volumes: [...(pod.spec.volumes ?? []), agentTokenVolume()],
      },
    },
  };
}

/** The steps from one pod to the other. */
export function patchBetween(before: RequestedPod, after: RequestedPod): PatchOperation[] {
  return (['containers', 'initContainers', 'volumes'] as const)
    .filter((part) => !isDeepStrictEqual(before.spec[part], after.spec[part]))
    .map((part) => ({ op: 'add', path: `/spec/${part}`, value: after.spec[part] }));
}

function askedOf(annotations: Readonly<Record<string, string>>): AgentRequest | LeftReason {
  const wish = injectionWish(annotations);
  if (wish === 'disabled') return 'Disabled';
  const text = annotations[agentRequestAnnotation];
  if (text !== undefined) {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), agentRequest), text);
    return parsed.success ? parsed.output : 'BadRequest';
  }
  return wish === 'enabled' ? { take: 'redirect', ports: [] } : 'NotAsked';
}

function declares({ spec }: RequestedPod, port: number): boolean {
  return [...spec.containers, ...(spec.initContainers ?? [])].some((container) =>
    (container.ports ?? []).some((one) => one.containerPort === port),
  );
}

function obstacleIn({ spec }: RequestedPod): LeftReason | undefined {
  // The rules would be the node's, and the ports too.
  if (spec.hostNetwork === true) return 'HostNetwork';
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const present = all.find((one) => one.name === agentContainer || one.name === agentInitContainer);
  if (present !== undefined) {
    const ours = all.some((one) => (one.env ?? []).some((e) => e.name === agentConfigVariable));
    return ours ? 'AlreadyInjected' : 'ForeignAgent';
  }
  return (spec.volumes ?? []).some((one) => one.name === tokenVolume) ? 'ForeignAgent' : undefined;
}
