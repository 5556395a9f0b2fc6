import * as v from 'valibot';
import { mayI, type AccessQuestion } from './access.ts';
import type { KubeClient } from './client.ts';
import { apiVersion, resources } from './resource.ts';

/** Something to be allowed in one namespace. */
export type Right = Omit<AccessQuestion, 'namespace'>;

/** What a user may do in one namespace, as far as the API server can tell at once. */
export interface Rules {
  readonly namespace: string;
  readonly allowed: readonly Rule[];
  /** An authorizer that tells no rules may allow more (clouds' own ones do). */
  readonly incomplete: boolean;
}

const ruleSchema = v.object({
  verbs: v.optional(v.nullable(v.array(v.string()))),
  apiGroups: v.optional(v.nullable(v.array(v.string()))),
  resources: v.optional(v.nullable(v.array(v.string()))),
  resourceNames: v.optional(v.nullable(v.array(v.string()))),
});
type Rule = v.InferOutput<typeof ruleSchema>;

const reviewSchema = v.object({
  status: v.object({
    resourceRules: v.optional(v.nullable(v.array(ruleSchema))),
    incomplete: v.optional(v.boolean(), false),
  }),
});

/** All that we may do in a namespace, in one request. */
export async function rulesIn(
  client: Pick<KubeClient, 'create'>,
  namespace: string,
  signal: AbortSignal,
): Promise<Rules> {
  const resource = resources.selfSubjectRulesReviews;
  const { status } = await client.create({
    resource,
    object: { apiVersion: apiVersion(resource), kind: resource.kind, spec: { namespace } },
    schema: reviewSchema,
    signal,
  });
  const { resourceRules, incomplete } = status;
  return { namespace, allowed: resourceRules ?? [], incomplete };
}

/** Those of `wanted` that we have not; each that the rules leave open is asked for by itself. */
export async function missingRights<R extends Right>(
  client: KubeClient,
  rules: Rules,
  wanted: readonly R[],
  signal: AbortSignal,
): Promise<readonly R[]> {
  const open = wanted.filter((right) => !rules.allowed.some((rule) => grants(rule, right)));
  if (!rules.incomplete) return open;
  const answers = await Promise.all(
    open.map(async (right) => await mayI(client, { ...right, namespace: rules.namespace }, signal)),
  );
  return open.filter((_, index) => answers[index]?.allowed !== true);
}

function grants(rule: Rule, right: Right): boolean {
  const { verb, resource, subresource, name } = right;
  const has = (list: readonly string[] | null | undefined, ...words: readonly string[]): boolean =>
    list?.some((word) => word === '*' || words.includes(word)) ?? false;
  const path = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  const names = rule.resourceNames ?? [];
  return (
    has(rule.verbs, verb) &&
    has(rule.apiGroups, resource.group) &&
    has(rule.resources, path, ...(subresource === undefined ? [] : [`*/${subresource}`])) &&
    (names.length === 0 || (name !== undefined && names.includes(name)))
  );
}
