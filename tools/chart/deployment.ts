import { changed, Go, toGo, When, type Part } from './go-template.ts';
import { given, overlay, value } from './places.ts';

/** The manager's Deployment with what the values say. */
export function deploymentOf(body: Part): Part {
  const pod = 'spec.template.spec';
  const container = `${pod}.containers.0`;
  const changes: readonly (readonly [string, (before: Part | undefined) => Part])[] = [
    ['spec.replicas', () => value('replicaCount')],
    [
      'spec.template.metadata.labels',
      (before) =>
        new Go(
          `include "telepresence.overlay" (list ($.Values.podLabels | default dict) ${toGo(before ?? {})})`,
        ),
    ],
    ['spec.template.metadata.annotations', () => given('podAnnotations')],
    [`${pod}.serviceAccountName`, () => value('serviceAccount.name')],
    [`${pod}.hostNetwork`, () => given('hostNetwork')],
    [`${pod}.dnsPolicy`, () => new When('$.Values.hostNetwork', 'ClusterFirstWithHostNet')],
    [`${pod}.securityContext`, podSecurityOf],
    [`${pod}.imagePullSecrets`, () => given('image.imagePullSecrets')],
    [`${pod}.nodeSelector`, () => given('nodeSelector')],
    [`${pod}.affinity`, () => given('affinity')],
    [`${pod}.tolerations`, () => given('tolerations')],
    [
      `${pod}.topologySpreadConstraints`,
      (before) =>
        new Go(`$.Values.topologySpreadConstraints | default ${toGo(before ?? [])} | toJson`),
    ],
    [
      'spec.strategy.rollingUpdate',
      (before) =>
        new Go(
          `ternary (dict "maxSurge" 0 "maxUnavailable" 1) ${toGo(before ?? {})} $.Values.hostNetwork | toJson`,
        ),
    ],
    [`${pod}.schedulerName`, () => given('schedulerName')],
    [`${pod}.priorityClassName`, () => given('priorityClassName')],
    [
      `${container}.image`,
      () => new Go('include "telepresence.image" (list $ $.Values.image) | toJson'),
    ],
    [`${container}.imagePullPolicy`, () => given('image.pullPolicy')],
    [
      `${container}.env.0.value`,
      () => new Go('include "telepresence.config" $ | replace "$" "$$" | toJson'),
    ],
    [`${container}.ports.0.containerPort`, () => value('apiPort')],
    [
      `${container}.ports`,
      (before) =>
        Array.isArray(before)
          ? before.map((port: Part, at) =>
              at === 2 ? new When('$.Values.agentInjector.enabled', port) : port,
            )
          : [],
    ],
    [`${container}.readinessProbe`, overlay('readinessProbe')],
    [`${container}.livenessProbe`, overlay('livenessProbe')],
    [`${container}.resources`, () => new Go('include "telepresence.resources" $.Values.resources')],
    [`${container}.securityContext`, overlay('securityContext')],
  ];
  return changes.reduce((left, [path, change]) => changed(left, path, change), body);
}

/** The node's network is not the pod's to tune. */
function podSecurityOf(before: Part | undefined): Go {
  if (typeof before !== 'object' || before === null || !('sysctls' in before)) {
    return overlay('podSecurityContext')(before);
  }
  const { sysctls, ...without } = before;
  const base = `(ternary ${toGo(without)} ${toGo({ ...without, sysctls })} $.Values.hostNetwork)`;
  return new Go(`include "telepresence.overlay" (list ${base} $.Values.podSecurityContext)`);
}
