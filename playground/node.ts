import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addresses, nodeName } from './addresses.ts';
import { authority } from './certificates.ts';
import type { Component } from './component.ts';
import { podNetworkPlugin, writeCniPlugins } from './deny-egress.ts';
import { kubeconfigPath } from './kubeconfig.ts';
import type { Layout } from './layout.ts';

/** The container runtime's socket, in the cluster's machine. */
export const containerdSocket = '/run/containerd/containerd.sock';

/** The image of every pod's first process. */
export const pauseImage = 'playground/pause:1';

/** The container runtime: a process of ours with files of its own, not the machine's service. */
export async function containerd(layout: Layout): Promise<Component> {
  const networks = join(layout.config, 'cni');
  await mkdir(networks, { recursive: true });
  await writeFile(join(networks, '10-playground.conflist'), JSON.stringify(podNetwork));
  const plugins = await writeCniPlugins(layout);
  const path = join(layout.config, 'containerd.toml');
  await writeFile(
    path,
    `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/${pauseImage}"
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  max_container_log_line_size = -1
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${plugins}"
    conf_dir = "${networks}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    discard_unpacked_layers = true
`,
  );
  return { name: 'containerd', argv: ['containerd', '--config', path, '--log-level', 'warn'] };
}

// Routed, not bridged: a packet between two pods passes the node's network stack, so Services
// work without the kernel's br_netfilter.
const podNetwork = {
  cniVersion: '0.4.0',
  name: 'playground',
  plugins: [
    {
      type: podNetworkPlugin,
      ipMasq: false,
      ipam: {
        type: 'host-local',
        dataDir: '/var/lib/cni/networks',
        ranges: [[{ subnet: '10.244.0.0/24' }], [{ subnet: addresses.nodePodCidrV6 }]],
        routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
} as const;

/** The agent of the node. */
export async function kubelet(layout: Layout): Promise<Component> {
  const path = join(layout.config, 'kubelet.json');
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: authority(layout).certificate },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${layout.cgroup}`,
    clusterDNS: [addresses.clusterDns],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    evictionHard: {
      'memory.available': '50Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
    },
    evictionPressureTransitionPeriod: '5s',
    failCgroupV1: false,
    failSwapOn: false,
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    nodeStatusReportFrequency: '1m',
    resolvConf: join(layout.state, 'cluster', 'resolv.conf'),
    serializeImagePulls: false,
    shutdownGracePeriod: '0s',
    syncFrequency: '10s',
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
  };
  await writeFile(path, JSON.stringify(config, undefined, 2));
  return {
    name: 'kubelet',
    argv: [
      join(layout.programs, 'kubernetes'),
      'kubelet',
      `--config=${path}`,
      `--kubeconfig=${kubeconfigPath(layout, 'kubelet')}`,
      '--root-dir=/var/lib/kubelet',
      `--hostname-override=${nodeName}`,
      `--node-ip=${addresses.node},${addresses.nodeV6}`,
    ],
  };
}

/** What makes Services' addresses work on the node. */
export async function kubeProxy(layout: Layout): Promise<Component> {
  const path = join(layout.config, 'kube-proxy.json');
  const config = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: kubeconfigPath(layout, 'kube-proxy') },
    clusterCIDR: `${addresses.podCidr},${addresses.podCidrV6}`,
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    hostnameOverride: nodeName,
    mode: 'nftables',
    nftables: { syncPeriod: '30s', minSyncPeriod: '100ms' },
  };
  await writeFile(path, JSON.stringify(config, undefined, 2));
  return {
    name: 'kube-proxy',
    argv: [join(layout.programs, 'kubernetes'), 'kube-proxy', `--config=${path}`],
  };
}
