import * as v from 'valibot';
import { logLevels } from '#base/log.ts';
import { parseSubnet } from '#protocol/ip-address.ts';

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const name = v.pipe(v.string(), v.minLength(1));
const strings = v.record(v.string(), v.string());
const anything = v.record(v.string(), v.unknown());
const subnet = v.pipe(
  v.string(),
  v.check((text) => parseSubnet(text) !== undefined, 'not a subnet (10.0.0.0/8)'),
);
const subnets = v.optional(v.array(subnet), []);
const quantities = v.record(v.string(), v.union([v.string(), v.number()]));
const resources = v.strictObject({
  requests: v.optional(quantities, {}),
  limits: v.optional(quantities, {}),
});
const image = {
  registry: v.optional(v.string()),
  name: v.optional(name),
  tag: v.optional(v.string()),
  pullPolicy: v.optional(v.picklist(['Always', 'IfNotPresent', 'Never'])),
};
const pullSecrets = v.optional(v.array(v.strictObject({ name })), []);
const duration = v.pipe(v.string(), v.regex(/^(\d+(ms|s|m|h))+$/, 'not a duration (24h, 90s)'));

/** All values, as `helm install --values` takes them. */
export const valuesSchema = v.strictObject({
  image: v.optional(v.strictObject({ ...image, imagePullSecrets: pullSecrets }), {}),
  logLevel: v.optional(v.picklist(logLevels), 'info'),
  replicaCount: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 2),
  apiPort: v.optional(port, 10_250),
  resources: v.optional(resources, { requests: { cpu: '50m', memory: '128Mi' }, limits: {} }),
  securityContext: v.optional(anything, {}),
  podAnnotations: v.optional(strings, {}),
  podLabels: v.optional(strings, {}),
  nodeSelector: v.optional(strings, {}),
  tolerations: v.optional(v.array(anything), []),
  affinity: v.optional(anything, {}),
  priorityClassName: v.optional(v.string(), ''),
  /** Subnets of pods, where neither nodes nor pods tell them. */
  podCIDRs: subnets,
  agent: v.optional(
    v.strictObject({
      image: v.optional(v.strictObject(image), {}),
      logLevel: v.optional(v.picklist(logLevels)),
      resources: v.optional(resources, {
        requests: { cpu: '10m', memory: '64Mi' },
        limits: { cpu: '1', memory: '256Mi' },
      }),
    }),
    {},
  ),
  agentInjector: v.optional(
    v.strictObject({
      enabled: v.optional(v.boolean(), true),
      webhook: v.optional(
        v.strictObject({
          /** The Service's port; the pod listens on 8443. */
          port: v.optional(port, 443),
          failurePolicy: v.optional(v.picklist(['Ignore', 'Fail']), 'Ignore'),
          timeoutSeconds: v.optional(
            v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(30)),
            3,
          ),
          /** Further conditions on namespaces, beside the ones that are always left out. */
          namespaceSelector: v.optional(
            v.strictObject({
              matchLabels: v.optional(strings, {}),
              matchExpressions: v.optional(v.array(anything), []),
            }),
            {},
          ),
        }),
        {},
      ),
    }),
    {},
  ),
  managerRbac: v.optional(v.strictObject({ create: v.optional(v.boolean(), true) }), {}),
  clientRbac: v.optional(
    v.strictObject({
      create: v.optional(v.boolean(), false),
      subjects: v.optional(
        v.array(
          v.strictObject({
            kind: v.picklist(['User', 'Group', 'ServiceAccount']),
            name,
            namespace: v.optional(name),
            apiGroup: v.optional(v.string()),
          }),
        ),
        [],
      ),
      /** Where they may connect and intercept; empty: everywhere. */
      namespaces: v.optional(v.array(name), []),
    }),
    {},
  ),
  client: v.optional(
    v.strictObject({
      connectionTTL: v.optional(duration, '24h'),
      /** What laptops may dial: everything in the cluster, or the namespaces that their user may use. */
      outbound: v.optional(v.picklist(['cluster', 'namespaces']), 'cluster'),
      routing: v.optional(
        v.strictObject({
          alsoProxySubnets: subnets,
          neverProxySubnets: subnets,
          allowConflictingSubnets: subnets,
        }),
        {},
      ),
      dns: v.optional(
        v.strictObject({
          excludeSuffixes: v.optional(v.array(v.string()), ['.com', '.io', '.net', '.org', '.ru']),
          includeSuffixes: v.optional(v.array(v.string()), []),
        }),
        {},
      ),
    }),
    {},
  ),
});
export type Values = v.InferOutput<typeof valuesSchema>;

/** Values, or one line for each that is wrong or unknown. */
export function parseValues(
  raw: unknown,
):
  | { readonly ok: true; readonly values: Values }
  | { readonly ok: false; readonly problems: readonly string[] } {
  const parsed = v.safeParse(valuesSchema, raw ?? {});
  if (parsed.success) return { ok: true, values: parsed.output };
  return { ok: false, problems: parsed.issues.map(problemOf) };
}

type Issue = v.InferIssue<typeof valuesSchema>;

function problemOf(issue: Issue): string {
  const path = v.getDotPath(issue) ?? '';
  const unknown =
    issue.kind === 'schema' && issue.type === 'strict_object' && issue.expected === 'never';
  return unknown ? `${path}: there is no such value` : `${path}: ${issue.message}`;
}

/** Milliseconds of a duration value (`1h30m`). */
export function durationMs(text: string): number {
  const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h)/g)) {
    if (unit === 'ms' || unit === 's' || unit === 'm' || unit === 'h') {
      total += Number(count) * units[unit];
    }
  }
  return total;
}
