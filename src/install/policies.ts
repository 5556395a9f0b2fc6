import { group, version } from '#protocol/resources.ts';
import {
  helmMetadata,
  managerName,
  ownedMetadata,
  type InstallContext,
  type Manifest,
} from './manifest.ts';

const policyApi = 'admissionregistration.k8s.io/v1';

/**
 * Who a Connection or Intercept says that it is, is who made it: evaluated inside kube-apiserver for
 * every way of signing in. Never on DELETE: namespaces could not be deleted then.
 */
export function identityPolicy(context: InstallContext): Manifest[] {
  const metadata = helmMetadata(context, `identity.${group}`, { keep: true });
  return policy(metadata, {
    resourceRules: [
      {
        apiGroups: [group],
        apiVersions: [version],
        operations: ['CREATE', 'UPDATE'],
        resources: ['connections', 'intercepts'],
      },
    ],
    validations: [
      {
        expression:
          "request.operation != 'CREATE' || object.spec.user == request.userInfo.username",
        message: 'spec.user must be the user who creates the object',
        reason: 'Forbidden',
      },
      {
        // Fewer are allowed: they only take rights away.
        expression:
          "request.operation != 'CREATE' || !has(object.spec.groups) || object.spec.groups.all(group, has(request.userInfo.groups) && group in request.userInfo.groups)",
        message: 'spec.groups must be groups of the user who creates the object',
        reason: 'Forbidden',
      },
      {
        // It brings agents into the workload's pods, as an intercept does.
        expression: `request.operation != 'CREATE' || request.resource.resource != 'connections' || !has(object.spec.via) || object.spec.via.size() == 0 || authorizer.group('${group}').resource('intercepts').namespace(request.namespace).check('create').allowed()`,
        message:
          'spec.via needs the right to create intercepts in the namespace: flows leave from its pods',
        reason: 'Forbidden',
      },
      {
        expression: "request.operation != 'UPDATE' || object.spec == oldObject.spec",
        message: 'spec cannot be changed',
        reason: 'Forbidden',
      },
    ],
  });
}

/** The manager may ask whether a pod would be let in, and may never make one. */
export function dryRunPolicy(context: InstallContext, accountName: string): Manifest[] {
  const account = `system:serviceaccount:${context.namespace}:${accountName}`;
  const metadata = ownedMetadata(context, `${managerName}-dry-run.${context.namespace}.${group}`);
  return policy(metadata, {
    resourceRules: [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
    ],
    matchConditions: [{ name: 'manager', expression: `request.userInfo.username == '${account}'` }],
    validations: [
      {
        expression: 'has(request.dryRun) && request.dryRun',
        message: 'the traffic-manager makes no pods, it only asks whether it could',
        reason: 'Forbidden',
      },
    ],
  });
}

function policy(
  metadata: Manifest['metadata'],
  rules: {
    readonly resourceRules: readonly unknown[];
    readonly matchConditions?: readonly unknown[];
    readonly validations: readonly unknown[];
  },
): Manifest[] {
  const { resourceRules, ...rest } = rules;
  return [
    {
      apiVersion: policyApi,
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: { failurePolicy: 'Fail', matchConstraints: { resourceRules }, ...rest },
    },
    {
      apiVersion: policyApi,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName: metadata.name, validationActions: ['Deny'] },
    },
  ];
}
