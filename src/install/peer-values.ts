/** A value of the peer's chart that is none of ours. */
export interface PeerValue {
  /** `hooks` stands for everything beneath it. */
  readonly path: string;
  /** What a user should know. */
  readonly reason: string;
  /** Accepted with these only; left out: whatever is given has no effect, and that is said. */
  readonly only?: readonly (string | number | boolean | null)[];
}

const off = [false, null] as const;
const none = [0, '', null] as const;

/** Values of Telepresence 2.20 and later that cannot mean anything in this architecture. */
export const peerValues: readonly PeerValue[] = [
  { path: 'isCI', reason: 'it only named builds of the peer' },
  { path: 'hooks', reason: 'there are no hooks: nothing has to run before or after' },
  {
    path: 'grpc',
    reason: 'no message has a size limit here; client.connectionTTL is the lifetime',
  },
  {
    path: 'timeouts',
    reason: 'a missing agent is found and named within seconds, without a time-out',
  },
  {
    path: 'maxNamespaceSpecificWatchers',
    reason: 'a namespaced manager always watches each of its namespaces by itself',
  },
  ...['timeouts', 'logLevels', 'images', 'grpc', 'intercept', 'cluster', 'docker'].map((part) => ({
    path: `client.${part}`,
    reason: 'a laptop says this in its own config.yml',
  })),
  { path: 'tracing', reason: 'there are no traces to collect' },
  { path: 'usage', reason: 'no usage is reported to anybody' },
  { path: 'compatibility', reason: 'what laptop and manager can do is settled when they meet' },
  { path: 'security.authentication', reason: 'every caller is always authenticated' },
  {
    path: 'agent.appProtocolStrategy',
    reason: 'no protocol is probed: bytes are passed as they are',
  },
  { path: 'agent.port', reason: 'agents listen on no port that could be in the way' },
  {
    path: 'agentInjector.secret',
    reason: 'the manager makes and keeps the Secret traffic-manager-identity',
  },
  {
    path: 'agentInjector.certificate.regenerate',
    reason: 'the manager keeps its CA; delete the Secret traffic-manager-identity for a new one',
  },
  { path: 'agentInjector.certificate.accessMethod', reason: 'the manager holds its CA itself' },
  {
    path: 'agentInjector.certificate.method',
    only: ['helm', null],
    reason: 'the manager makes its own CA and keeps the webhook’s trust in it right',
  },
  {
    path: 'agentInjector.certificate.certmanager',
    only: [null],
    reason: 'the manager makes its own CA and keeps the webhook’s trust in it right',
  },
  {
    path: 'agentInjector.webhook.name',
    reason: 'the name tells managers apart: agent-injector-webhook-NAMESPACE',
  },
  { path: 'telepresenceAPI.port', only: none, reason: 'pods have no Telepresence API' },
  { path: 'prometheus.port', only: none, reason: 'the manager exports no metrics yet' },
  { path: 'nodeAgent.enabled', only: off, reason: 'agents are always in the pod itself' },
  {
    path: 'quicTunnel.enabled',
    only: off,
    reason: 'the tunnel always goes through the API server',
  },
  { path: 'routeController.enabled', only: off, reason: 'no routing loop can arise' },
  {
    path: 'namespaceSelector',
    only: [null],
    reason: 'a manager serves all namespaces or those in `namespaces`',
  },
  {
    path: 'nameOverride',
    only: ['', 'traffic-manager', null],
    reason: 'clients look for traffic-manager',
  },
];
