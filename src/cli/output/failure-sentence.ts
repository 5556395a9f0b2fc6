import { version } from '#base/version.ts';
import { failureCode, type FailureCode } from '#protocol/failures.ts';

/** A failure for people: what is wrong, and what to do next. */
export interface Sentence {
  readonly message: string;
  readonly hint?: string;
}

/** What the user daemon said about a failure. */
interface FailureFacts {
  readonly code: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, string>>;
}

/** A failure's message and facts, each fact with a word for where it is missing. */
interface Told {
  readonly message: string;
  readonly fact: (name: string) => string;
  readonly manager: string;
}

/** The one place where failure codes become words. */
export function failureSentence({ code, message, facts }: FailureFacts): Sentence {
  const sentence = sentences[failureCode(code)]({
    message,
    fact: (name) => facts[name] ?? 'unknown',
    manager: facts['managerNamespace'] ?? 'ambassador',
  });
  // Whoever met the failure knows better.
  const { hint } = facts;
  return hint === undefined ? sentence : { ...sentence, hint };
}

/** Daemons that do not say what it was know of intercepts alone. */
const nounOf = (mode: string): string => (mode === 'unknown' ? 'intercept' : mode);

const managerLog = (namespace: string): string =>
  `look at its log: kubectl -n ${namespace} logs deployment/traffic-manager`;

const sentences: Readonly<Record<FailureCode, (told: Told) => Sentence>> = {
  NotConnected: () => ({
    message: 'not connected to a cluster',
    hint: 'connect first: telepresence connect',
  }),
  AlreadyConnected: ({ fact }) => ({
    message: `already connected to context ${fact('context')}, namespace ${fact('namespace')}`,
    hint: 'end that connection first: telepresence quit',
  }),
  BadKubeconfig: ({ message }) => ({
    // A parser shows the lines around its error.
    message: message.replace(/:?\n.*/s, ''),
    hint: 'choose with --kubeconfig and --context; kubectl config get-contexts shows what there is',
  }),
  ClusterUnreachable: ({ message }) => ({
    message: `the cluster cannot be reached: ${message}`,
    hint: 'check it with: kubectl version',
  }),
  Unauthorized: ({ message }) => ({
    message: `the cluster does not accept these credentials: ${message}`,
    hint: 'check them with: kubectl auth whoami',
  }),
  Forbidden: ({ message, fact }) => ({
    message: fact('whole') === 'yes' ? message : `you may not do this in the cluster: ${message}`,
    hint: 'ask an administrator of the cluster for this right (Helm value clientRbac)',
  }),
  NamespaceNotFound: ({ fact }) => ({
    message: `namespace ${fact('namespace')} does not exist in context ${fact('context')}`,
    hint: 'see those that there are: kubectl get namespaces',
  }),
  ManagerNotInstalled: ({ manager, fact }) => ({
    message: `the traffic-manager is not installed in namespace ${manager}${fact('other') === 'unknown' ? '' : `, ${fact('other')}`}`,
    hint: 'install it: telepresence helm install, or name another namespace: telepresence connect --manager-namespace NAMESPACE',
  }),
  ManagerNotReady: ({ message, manager }) => ({
    message: `the traffic-manager in namespace ${manager} is not ready: ${message}`,
    hint: `look at it: kubectl -n ${manager} get pods`,
  }),
  ManagerSilent: ({ message, manager }) => ({
    message: `the traffic-manager in namespace ${manager} took no notice of this connection: ${message}`,
    hint: managerLog(manager),
  }),
  ManagerUnreachable: ({ message, manager }) => ({
    message: `no tunnel to the traffic-manager in namespace ${manager}: ${message}`,
    hint: managerLog(manager),
  }),
  UpgradeRefused: ({ message }) => ({
    message: `what stands before the API server passes no upgraded connections, and without them there is no tunnel: ${message}`,
    hint: 'kubectl exec and port-forward need them too: have them allowed there, or use a kubeconfig that goes to the API server itself',
  }),
  ManagerIncompatible: ({ fact, manager }) => ({
    message: `the traffic-manager in namespace ${manager} is v${fact('version')}, which is too ${fact('which') === 'older' ? 'old' : 'new'} for this telepresence (v${version})`,
    hint:
      fact('which') === 'older'
        ? `upgrade it: telepresence helm upgrade -n ${manager}`
        : `install telepresence v${fact('version')} on this machine`,
  }),
  NamespaceNotServed: ({ manager, fact }) => ({
    message: `the traffic-manager in namespace ${manager} does not serve namespace ${fact('namespace')}, but ${fact('served')}`,
  }),
  RootDaemonUnavailable: ({ message }) => ({
    message: `the root daemon cannot be reached: ${message}`,
    hint: 'end both daemons and connect again: telepresence quit -s',
  }),
  RootDaemonFailed: ({ message }) => ({
    message: `the root daemon could not set up this machine: ${message}`,
  }),
  NetworkOverlaps: ({ message }) => ({
    message,
    hint: 'have it made anew: telepresence quit, telepresence connect --docker',
  }),
  InterceptNotFound: ({ fact }) => ({
    message: `no intercept is called ${fact('name')}`,
    hint: 'see those that there are: telepresence list',
  }),
  InterceptFailed: ({ message, fact }) => {
    const hint = interceptHints[fact('reason')];
    return hint === undefined ? { message } : { message, hint };
  },
  InterceptTimeout: ({ message, manager, fact }) => ({
    message: `the ${nounOf(fact('mode'))} did not become active: ${message}`,
    hint: managerLog(manager),
  }),
  InterceptGone: ({ fact }) => ({
    message: `the ${nounOf(fact('mode'))} ${fact('name')} was deleted by someone else`,
  }),
  PortTaken: ({ fact }) => ({
    message: `port ${fact('port')} of this machine already serves the intercept ${fact('owner')}`,
    hint: `choose another one with --port, or end that intercept: telepresence leave ${fact('owner')}`,
  }),
  FilesUnavailable: ({ message }) => ({ message: `the volumes cannot be seen here: ${message}` }),
  PortInUse: ({ fact }) => ({
    message: `port ${fact('port')} of this machine is in use${fact('holder') === 'unknown' ? '' : ` by ${fact('holder')}`}, so the pod's cannot be had there`,
    hint: 'end what uses it, or leave this --to-pod out',
  }),
  EnvironmentUnavailable: ({ message }) => ({
    message: `the environment of the intercepted container cannot be read: ${message}`,
  }),
  Cancelled: () => ({ message: 'interrupted' }),
  Internal: ({ message }) => ({ message }),
};

/** The next step, by the reason that the manager wrote into the Intercept's status. */
const interceptHints: Readonly<Record<string, string>> = {
  PortNotFound: 'name one that there is: --port LAPTOP PORT:SERVICE PORT',
  ContainerNotFound: 'name one that there is: --container NAME',
  ContainerAmbiguous: 'name the one that is meant: --container NAME',
  ContainerPortNotFound: 'name one that there is: --port LAPTOP PORT:CONTAINER PORT',
  ContainerPortAmbiguous: 'name the one that is meant: --port LAPTOP PORT:CONTAINER PORT',
  InjectionRefused: 'see what the namespace and the cluster allow: kubectl describe namespace',
  QuotaExceeded:
    'have the quota raised, or give agents smaller requests: Helm value agent.resources.requests',
  WebhookMissing: 'put it back: telepresence helm upgrade',
  WebhookUnreachable:
    "let the control plane reach port 8443 of the traffic-manager's pods (firewall, NetworkPolicy), or look at: kubectl get endpointslices -A -l kubernetes.io/service-name=agent-injector",
  AgentUnreachable:
    "let these pods reach port 8081 of the traffic-manager's namespace and the cluster's DNS; see: kubectl get networkpolicies -A, and what the agent waits for: kubectl logs POD -c traffic-agent",
  WorkloadNotFound: 'see the workloads that there are: telepresence list',
  PortAmbiguous: 'name the one that is meant: --port LAPTOP PORT:SERVICE PORT',
  ServiceAmbiguous:
    'name the one that is meant: --service NAME; all of them: kubectl get services -o wide',
  Conflict: 'wait until its owner leaves it, or see who it is: kubectl get intercepts -A',
  ConflictLost: 'wait until then, or ask its owner to leave it',
  ConflictOwn:
    'take it over: telepresence intercept --force, or end it where it is: telepresence leave',
  ForceRefused:
    'ask its owner to leave it; who may delete it can end it: kubectl get intercepts -A, kubectl delete intercept NAME -n NAMESPACE',
};
