import * as v from 'valibot';
import type { OtherSetting } from './check-settings.ts';
import { duration, port, size, subnets } from './setting-shapes.ts';

const text = v.string();
const onOff = v.boolean();
const anything = v.unknown();

function rows(
  group: string,
  shape: v.GenericSchema,
  reason: string,
  names: readonly string[],
): OtherSetting[] {
  return names.map((name) => ({ path: `${group}.${name}`, shape, reason }));
}

const ownPlugin = 'the volume plugin is made of the files of this telepresence itself';
const noGrpc = 'messages have no size limit and no port of their own';
const noFtp = 'volumes are seen by SFTP over the tunnel';
const kernelDials = 'a connection waits for as long as who dials it in the cluster';

/** Settings of Telepresence 2.20 and later that cannot mean anything in this architecture. */
export const otherSettings: readonly OtherSetting[] = [
  ...rows('timeouts', duration, kernelDials, [
    'endpointDial',
    'interceptEndpointDial',
    'proxyDial',
    'roundtripLatency',
  ]),
  ...rows('timeouts', duration, 'nothing is probed: what this machine reaches is read', [
    'connectivityCheck',
  ]),
  ...rows('timeouts', duration, 'it is part of timeouts.trafficManagerConnect', [
    'trafficManagerAPI',
    'trafficAgentConnect',
  ]),
  ...rows('timeouts', duration, 'it is part of timeouts.intercept', [
    'agentInstall',
    'apply',
    'trafficAgentArrival',
  ]),
  ...rows('timeouts', duration, noFtp, ['ftpReadWrite', 'ftpShutdown']),
  ...rows('timeouts', duration, 'a container has 10 s for its end, as docker stop gives it', [
    'containerShutdown',
  ]),
  ...rows('logLevels', text, 'the command line writes no log', ['cli']),
  ...rows('logLevels', text, 'the user daemon asks for credentials itself', ['kubeAuthDaemon']),
  ...rows('images', text, 'a container of the daemon runs the image of this telepresence itself', [
    'clientImage',
  ]),
  ...rows('grpc', size, noGrpc, ['maxReceiveSize']),
  ...rows('grpc', port, noGrpc, ['daemonPort', 'teleroutePort']),
  ...rows('grpc', duration, 'a link that is silent is found by itself', [
    'pingInterval',
    'watchRetryInterval',
    'simulateDisconnect',
  ]),
  ...rows('telepresenceAPI', v.pipe(v.number(), v.integer()), 'pods have no Telepresence API', [
    'port',
  ]),
  ...rows('intercept', text, 'no protocol is probed: bytes are passed as they are', [
    'appProtocolStrategy',
  ]),
  ...rows('intercept', onOff, noFtp, ['useFtp']),
  ...rows('intercept', onOff, 'flows to an intercepted port always go by the cluster', [
    'localShortcut',
    'localShortcutIsGlobal',
  ]),
  ...rows('intercept', text, 'a place is named by --mount; sshfs is looked for on PATH', [
    'mountsRoot',
    'sshfsPath',
  ]),
  ...rows('intercept', duration, 'volumes are there once they have answered', [
    'mountCompletionDelay',
  ]),
  ...rows('intercept', anything, ownPlugin, ['telemount']),
  ...rows('cluster', onOff, 'the user daemon alone holds the tunnels', ['connectFromRootDaemon']),
  ...rows('cluster', onOff, 'the traffic-manager passes on what goes to agents', [
    'agentPortForward',
  ]),
  ...rows('cluster', onOff, 'the way to the API server is chosen by what works', ['forceSPDY']),
  ...rows('cluster', text, 'the traffic-manager is reached by the API server alone', [
    'managerAddress',
    'managerServerCA',
  ]),
  ...rows('dns', anything, 'every nameserver of this machine is served', [
    'localIP',
    'localAddress',
    'localAddresses',
  ]),
  ...rows('dns', text, 'the traffic-manager says where the cluster’s names are asked', [
    'remoteIP',
    'vifAddress',
  ]),
  ...rows('dns', onOff, 'a query never comes back to where it was asked', ['recursionCheck']),
  ...rows('dns', onOff, 'names are answered from what the traffic-manager has told', [
    'useComplexLookup',
  ]),
  ...rows('routing', subnets, 'the traffic-manager says what the cluster’s subnets are', [
    'subnets',
  ]),
  ...rows('routing', onOff, 'the device is a TUN device', ['useTAP']),
  ...rows('routing', duration, 'no routing loop can arise', ['recursionBlockDuration']),
  ...rows('routing', v.number(), 'no routing loop can arise', ['recursionBlockTreads']),
  ...rows('docker', anything, 'no container calls this machine', ['addHostGateway', 'hostGateway']),
  ...rows('docker', anything, ownPlugin, ['telemount']),
  ...rows('docker', anything, 'a handler has the network of the daemon’s container', ['teleroute']),
  ...rows('docker', anything, 'the cluster is reached by a device, whatever Docker’s network has', [
    'enableIPv4',
    'enableIPv6',
  ]),
  ...rows('helm', text, 'the chart is part of this program', ['chartURL']),
  ...rows('nodeAgent', onOff, 'agents are always in the pod itself', ['enabled']),
  ...rows('usage', anything, 'no usage is reported to anybody', [
    'enabled',
    'collectorAddress',
    'insecure',
  ]),
  ...rows('cloud', anything, 'there is no cloud service', [
    'skipLogin',
    'refreshMessages',
    'systemaHost',
    'systemaPort',
  ]),
];

const elsewhere = 'it is said in config.yml: it is no matter of one cluster';

/** What config.yml heeds and a kubeconfig's cluster has no say in. */
export const onlyInConfigFile: readonly OtherSetting[] = [
  ...rows('intercept', port, elsewhere, ['defaultPort']),
  ...rows('logLevels', text, elsewhere, ['userDaemon', 'rootDaemon']),
  ...rows('timeouts', duration, elsewhere, ['helm']),
  ...rows('images', text, elsewhere, ['registry', 'agentImage', 'webhookRegistry']),
];

/** Of the older style, in a kubeconfig alone. */
export const oldOtherSettings: readonly OtherSetting[] = [
  ...rows('dns', anything, 'every nameserver of this machine is served', ['local-ip']),
  ...rows('dns', text, 'the traffic-manager says where the cluster’s names are asked', [
    'remote-ip',
  ]),
];
