import * as v from 'valibot';
import type { KubeClient } from './client.ts';
import { KubeError } from './errors.ts';
import { apiVersion, resources, type Resource } from './resource.ts';
import { parseJson } from './status.ts';

const reviewSchema = v.object({
  status: v.object({
    userInfo: v.object({
      username: v.string(),
      uid: v.optional(v.string(), ''),
      groups: v.optional(v.array(v.string()), []),
    }),
  }),
});

/** A user as the API server knows them. */
export type UserInfo = v.InferOutput<typeof reviewSchema>['status']['userInfo'];

/** Who the API server takes us for: certificate, token, OIDC, exec plugin and `--as` alike. */
export async function whoAmI(client: KubeClient, signal: AbortSignal): Promise<UserInfo> {
  const { status } = await client.create({
    resource: resources.selfSubjectReviews,
    object: { apiVersion: apiVersion(resources.selfSubjectReviews), kind: 'SelfSubjectReview' },
    schema: reviewSchema,
    signal,
  });
  return status.userInfo;
}

const accessSchema = v.object({
  status: v.object({ allowed: v.boolean(), reason: v.optional(v.string(), '') }),
});

/** Something that RBAC may allow. */
export interface AccessQuestion {
  readonly verb: string;
  readonly resource: Pick<Resource, 'group' | 'plural'>;
  readonly subresource?: string;
  /** Left out: in all namespaces. */
  readonly namespace?: string;
  /** As RBAC's `resourceNames`: `https:traffic-manager:api` for a service proxy. */
  readonly name?: string;
}

/** Whether we may; `reason` is the authorizer's, often empty. */
export async function mayI(
  client: KubeClient,
  question: AccessQuestion,
  signal: AbortSignal,
): Promise<{ readonly allowed: boolean; readonly reason: string }> {
  const { status } = await client.create({
    resource: resources.selfSubjectAccessReviews,
    object: {
      apiVersion: apiVersion(resources.selfSubjectAccessReviews),
      kind: 'SelfSubjectAccessReview',
      spec: {
        resourceAttributes: {
          verb: question.verb,
          group: question.resource.group,
          resource: question.resource.plural,
          subresource: question.subresource,
          namespace: question.namespace,
          name: question.name,
        },
      },
    },
    schema: accessSchema,
    signal,
  });
  return status;
}

const versionSchema = v.object({
  gitVersion: v.string(),
  major: v.pipe(v.string(), v.transform(digits)),
  minor: v.pipe(v.string(), v.transform(digits)),
});

/** The API server's version: `{ gitVersion: 'v1.36.3', major: 1, minor: 36 }`. */
export async function serverVersion(
  client: KubeClient,
  signal: AbortSignal,
): Promise<v.InferOutput<typeof versionSchema>> {
  const body = await client.raw({ method: 'GET', path: '/version', what: 'get version', signal });
  const parsed = v.safeParse(versionSchema, parseJson(body));
  if (parsed.success) return parsed.output;
  throw new KubeError(
    'BadObject',
    `${client.access.server.origin} does not answer as a Kubernetes API server does`,
  );
}

// Some clouds say `28+`.
function digits(text: string): number {
  return Number.parseInt(text, 10);
}
