import * as v from 'valibot';

/** What the manager asks of the webhook for one workload, in `agentRequestAnnotation`. */
export const agentRequest = v.looseObject({
  /** redirect: kernel rules by an init container with NET_ADMIN; rename: the agent takes the port's name. */
  take: v.picklist(['redirect', 'rename']),
  /** rename only: the container ports whose names move to the agent, each as `requestedName` has it. */
  ports: v.optional(v.array(v.string()), []),
  /** Containers that step aside: something that only waits runs in their place. */
  replace: v.optional(v.array(v.string())),
});
export type AgentRequest = v.InferOutput<typeof agentRequest>;

/** The protocols of ports that can be taken. */
export const portProtocols = ['TCP', 'UDP'] as const;
export type PortProtocol = (typeof portProtocols)[number];

/** What an AgentRequest calls a container port: `http`, `dns/UDP`. */
export function requestedName(name: string, protocol: PortProtocol): string {
  return protocol === 'TCP' ? name : `${name}/${protocol}`;
}

/** The request as the annotation's value, always the same: pods are compared by it. */
export function agentRequestText({ take, ports, replace = [] }: AgentRequest): string {
  return JSON.stringify({ take, ports, ...(replace.length === 0 ? {} : { replace }) });
}

/** The environment variable in the traffic-agent container that holds AgentConfig as JSON. */
export const agentConfigVariable = 'TELEPRESENCE_AGENT_CONFIG';
/** Further variables of the agent's own, by the downward API. */
export const agentPodIpVariable = 'TELEPRESENCE_AGENT_POD_IP';
/** The node's address: where it equals the pod's, the pod uses the node's network. */
export const agentHostIpVariable = 'TELEPRESENCE_AGENT_HOST_IP';
/** All of them where there are several, with commas; newer than the two above. */
export const agentPodIpsVariable = 'TELEPRESENCE_AGENT_POD_IPS';
export const agentHostIpsVariable = 'TELEPRESENCE_AGENT_HOST_IPS';
/** The first argument of the bundle in the sidecar, and in the init container that lays the rules. */
export const agentArgument = 'agent';
export const agentInitArgument = 'agent-init';
/** Every variable that starts so is the agent's own and never part of an app's environment. */
export const agentOwnPrefix = 'TELEPRESENCE_AGENT_';

/** Where the projected token is mounted in the agent. */
export const agentTokenPath = '/var/run/secrets/telepresence.io/token';

/** The port that redirected connections arrive at, on the pod's own address. */
export const agentRedirectPort = 9900;
/** Renamed ports are listened on from here upwards. */
export const agentFirstRenamedPort = 9901;
/** The group by which the init container's rules know the agent's own datagrams. */
export const agentGroup = 7439;
/** Loopback address to which the agent sends a datagram to switch on the port of the same number. */
export const knockOnAddress = '127.0.74.39';
/** The same, to switch it off. */
export const knockOffAddress = '127.0.74.40';
/**
 * A port that was switched on falls back to the app after this long without a knock: of an agent that
 * hangs, or gets no processor. For one that is dead the rules give it back at once.
 */
export const knockTimeoutMs = 2000;

const mountedVolume = v.object({
  path: v.string(),
  readOnly: v.boolean(),
  /** A ConfigMap, Secret, or projection: small, and written by the kubelet alone. */
  small: v.boolean(),
});

/** The agent mounts each container's volumes under its name in here. */
export const agentVolumesPath = '/tel_app_mounts';

/**
 * Everything that an agent knows, independent of how it got into the pod. The environment of each
 * container stands in the agent's own environment under `envPrefix`. A `$(NAME)` that the webhook
 * could not place stands there as `$(<envPrefix>NAME)`: it means the agent's own NAME (a Service's
 * variable), else the text `$(NAME)`.
 */
export const agentConfig = v.looseObject({
  version: v.literal(1),
  manager: v.object({ host: v.string(), port: v.number() }),
  /** PEM certificates of the manager's CA, two while it is being rotated. */
  ca: v.array(v.string()),
  take: v.picklist(['redirect', 'rename']),
  /** rename only. */
  renamed: v.optional(
    v.array(
      v.object({
        name: v.string(),
        listenPort: v.number(),
        appPort: v.number(),
        /** TCP where it is not said. */
        protocol: v.optional(v.picklist(portProtocols)),
      }),
    ),
    [],
  ),
  containers: v.array(
    v.looseObject({
      name: v.string(),
      envPrefix: v.string(),
      /** Where its volumes are mounted in the container. */
      mounts: v.optional(v.array(v.string()), []),
      /** The directory under which the agent has them, at the same paths; older webhooks mount none. */
      volumesAt: v.optional(v.string()),
      /** What a laptop should know of each of `mounts`. */
      volumes: v.optional(v.array(mountedVolume)),
    }),
  ),
  /** Containers in whose place something runs that only waits: nobody answers at their ports. */
  replaced: v.optional(v.array(v.string())),
  /**
   * It can take every port of those: UDP as TCP, and what nothing else brings to it by listening there
   * itself. Older webhooks leave it out: then it is TCP ports, and with `rename` those that were renamed.
   */
  takesReplaced: v.optional(v.boolean()),
  logLevel: v.optional(v.picklist(['error', 'warning', 'info', 'debug', 'trace']), 'info'),
  /** Variables of the app that never leave the pod. */
  excludedEnvironment: v.optional(v.array(v.string()), []),
});
export type AgentConfig = v.InferOutput<typeof agentConfig>;
