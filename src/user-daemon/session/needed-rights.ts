import { clientRole, tunnelRole } from '#install/client-rights.ts';
import type { KubeClient } from '#kube/client.ts';
import { missingRights, rulesIn, type Right, type Rules } from '#kube/rights.ts';
import { kubeObjectSchema } from '#kube/objects.ts';
import { resources } from '#kube/resource.ts';
import { isKubeError } from '#kube/errors.ts';
import { group, version } from '#protocol/resources.ts';
import { UserDaemonError } from '../errors.ts';
import { connections, intercepts } from './kinds.ts';
import { managerService, type ManagerPresence } from './manager-presence.ts';

/** What connecting writes and reads in the connected namespace. */
const connectRights = rightsTo(connections, ['create', 'get', 'list', 'watch', 'delete']);

/** What an intercept writes and reads in the workload's namespace. */
const interceptRights = rightsTo(intercepts, ['create', 'list', 'watch', 'delete']);

/** The ways to the manager, in its namespace: one of them is enough. */
const tunnelWays: readonly (readonly Right[])[] = [
  [
    {
      verb: 'get',
      resource: resources.services,
      subresource: 'proxy',
      name: `https:${managerService}:api`,
    },
  ],
  [
    { verb: 'list', resource: resources.pods },
    { verb: 'create', resource: resources.pods, subresource: 'portforward' },
  ],
];

function rightsTo(resource: Right['resource'], verbs: readonly string[]): readonly Right[] {
  return verbs.map((verb) => ({ verb, resource }));
}

/** What is not allowed in one namespace, and the role that would give it. */
interface Lack {
  readonly namespace: string;
  readonly rights: readonly Right[];
  readonly role: string;
}

/** Looks at the user's rights before anything is made with them. */
export interface RightsCheck {
  /** All that connecting needs; throws what is missing, by name. */
  forConnecting(user: string): Promise<void>;
  /** All that intercepting in a namespace needs; what was allowed once is not asked again. */
  forIntercepting(user: string, namespace: string, signal: AbortSignal): Promise<void>;
}

/** Asks for the rights in both namespaces at once, while other things go on. */
export function checkRights(
  client: KubeClient,
  options: {
    readonly namespace: string;
    readonly managerNamespace: string;
    readonly presence: Promise<ManagerPresence>;
    readonly signal: AbortSignal;
  },
): RightsCheck {
  const { namespace, managerNamespace, presence, signal } = options;
  const own = rulesIn(client, namespace, signal);
  const managers = rulesIn(client, managerNamespace, signal);
  for (const asked of [own, managers]) asked.catch(() => {});
  const known = new Map([[namespace, own]]);
  const mayIntercept = new Set<string>();
  const lackIn = async (
    rules: Rules,
    wanted: readonly Right[],
    asking: AbortSignal,
  ): Promise<Lack[]> => {
    const rights = await missingRights(client, rules, wanted, asking);
    return rights.length === 0
      ? []
      : [{ namespace: rules.namespace, rights, role: `clusterrole=${clientRole}` }];
  };

  return {
    async forConnecting(user) {
      const [inOwn, ways] = await Promise.all([
        own.then(async (rules) => await lackIn(rules, connectRights, signal)),
        managers.then(
          async (rules) =>
            await Promise.all(
              tunnelWays.map(async (way) => await missingRights(client, rules, way, signal)),
            ),
        ),
      ]);
      const noWay = ways.every((rights) => rights.length > 0);
      const role = `role=${tunnelRole}`;
      const lacks = noWay
        ? [...inOwn, { namespace: managerNamespace, rights: ways[0] ?? [], role }]
        : inOwn;
      if (lacks.length === 0) return;
      // What is not there at all cannot be allowed either, and is the better thing to say.
      const { kind } = await presence;
      if (kind === 'absent') return;
      if (kind === 'unknown') await mustKnowOurKinds(client, managerNamespace, signal);
      if (inOwn.length > 0) await mustExist(client, namespace, signal);
      throw forbidden(user, lacks);
    },
    async forIntercepting(user, where, asking) {
      if (mayIntercept.has(where)) return;
      const rules = await (known.get(where) ?? rulesIn(client, where, asking));
      known.delete(where);
      const lacks = await lackIn(rules, interceptRights, asking);
      if (lacks.length > 0) {
        await mustExist(client, where, asking);
        throw forbidden(user, lacks);
      }
      mayIntercept.add(where);
    },
  };
}

function forbidden(user: string, lacks: readonly Lack[]): UserDaemonError {
  const parts = lacks.map(
    ({ namespace, rights }) => `${inWords(rights)} in namespace ${namespace}`,
  );
  const word = /^[\w.@:-]+$/.test(user) ? user : `'${user}'`;
  const commands = lacks.map(
    ({ namespace, role }) =>
      `kubectl -n ${namespace} create rolebinding telepresence-client --${role} --user=${word}`,
  );
  return new UserDaemonError('Forbidden', `user ${user} may not ${parts.join(', nor ')}`, {
    facts: {
      whole: 'yes',
      hint: `an administrator of the cluster allows it: ${commands.join(' && ')} (or the Helm value clientRbac)`,
    },
  });
}

/** `create, watch connections.intercept.telepresence.io, get services/proxy` */
function inWords(rights: readonly Right[]): string {
  const verbs = new Map<string, string[]>();
  for (const { verb, resource, subresource, name } of rights) {
    const sub = subresource === undefined ? '' : `/${subresource}`;
    const kind = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
    const what = `${kind}${sub}${name === undefined ? '' : ` ${name}`}`;
    verbs.set(what, [...(verbs.get(what) ?? []), verb]);
  }
  return [...verbs].map(([what, which]) => `${which.join(', ')} ${what}`).join(', ');
}

/** The API server tells everybody which kinds it knows: without ours nothing is installed. */
async function mustKnowOurKinds(
  client: KubeClient,
  managerNamespace: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const path = `/apis/${group}/${version}`;
    await client.raw({ method: 'GET', path, what: 'get API versions', signal });
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) return;
    throw new UserDaemonError('ManagerNotInstalled', 'our kinds are unknown', {
      cause: error,
      facts: { managerNamespace },
    });
  }
}

/** Nobody has rights in a namespace that does not exist; who may look is told so. */
async function mustExist(
  client: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  const resource = resources.namespaces;
  const found = await client
    .find({ resource, name: namespace, schema: kubeObjectSchema, signal })
    .catch(() => true);
  if (found !== undefined) return;
  throw new UserDaemonError('NamespaceNotFound', 'there is no such namespace', {
    facts: { namespace, context: client.access.context },
  });
}
