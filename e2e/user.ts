import type { CommandResult } from '../images/command.ts';
import { kubeconfigFor, servers, writeKubeconfig } from '../playground/kubeconfig.ts';
import { settingsFrom } from '../playground/settings.ts';
import { apply, kubectl, onLaptop, type RunOptions } from './run.ts';

/** Somebody with a certificate of the cluster, and a kubeconfig of the same name on the laptop. */
export interface KubeUser {
  readonly name: string;
  /** Runs kubectl on the laptop as this user; a refusal is returned, not thrown. */
  kubectl(args: readonly string[], options?: RunOptions): Promise<CommandResult>;
}

/** A user without any rights; the kubeconfig is made where there is none. */
export async function createUser(name: string, groups: readonly string[] = []): Promise<KubeUser> {
  const { layout } = settingsFrom(process.env);
  const text = await kubeconfigFor(layout, {
    subject: { user: name, groups },
    certificate: ['user', name, ...groups].join('-'),
    server: servers.direct,
    signal: AbortSignal.timeout(30_000),
  });
  await writeKubeconfig(layout, name, text);
  return {
    name,
    kubectl: (args, options) =>
      onLaptop(['kubectl', ...args], { mayFail: true, ...options, kubeconfig: name }),
  };
}

/** Gives users a role in one namespace; it is gone with the namespace. */
export async function grant(
  namespace: string,
  role: { readonly kind: 'ClusterRole' | 'Role'; readonly name: string },
  users: readonly KubeUser[],
): Promise<void> {
  const apiGroup = 'rbac.authorization.k8s.io';
  await apply(
    JSON.stringify({
      apiVersion: `${apiGroup}/v1`,
      kind: 'RoleBinding',
      metadata: { name: `e2e-${role.name}`, namespace },
      roleRef: { apiGroup, ...role },
      subjects: users.map(({ name }) => ({ kind: 'User', apiGroup, name })),
    }),
  );
}

/** A rule of a Role, as RBAC writes it. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Gives users exactly these rights in one namespace; what they had by this helper there is gone. */
export async function grantRules(
  namespace: string,
  rules: readonly Rule[],
  users: readonly KubeUser[],
): Promise<void> {
  const metadata = { name: 'e2e-rules', namespace };
  const apiGroup = 'rbac.authorization.k8s.io';
  const role = { apiVersion: `${apiGroup}/v1`, kind: 'Role', metadata, rules };
  await apply(JSON.stringify(role));
  await grant(namespace, { kind: 'Role', name: metadata.name }, users);
}

/**
 * Gives users what a developer has: our client role in a namespace, and the way to the manager, which
 * disposing takes back.
 */
export async function grantClient(
  namespace: string,
  users: readonly KubeUser[],
): Promise<AsyncDisposable> {
  await grant(namespace, { kind: 'ClusterRole', name: 'telepresence-client' }, users);
  const tunnel = { kind: 'Role', name: 'traffic-manager-tunnel' } as const;
  await grant('ambassador', tunnel, users);
  const binding = `rolebinding/e2e-${tunnel.name}`;
  return {
    [Symbol.asyncDispose]: async () =>
      void (await kubectl('delete', '-n', 'ambassador', binding, '--ignore-not-found')),
  };
}
