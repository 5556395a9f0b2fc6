import { join } from 'node:path';
import { clusterEnvironment } from '../playground/environment.ts';
import type { Layout } from '../playground/layout.ts';
import { enter, runIn } from '../playground/machine.ts';
import type { Machine } from '../playground/machine.ts';
import { BenchError } from './error.ts';
import type { Lab } from './lab.ts';
import { labNamespace } from './lab-manifests.ts';
import { startOn } from './machine-process.ts';
import type { MachineProcess } from './machine-process.ts';
import { targetPortNames, targetPorts } from './ports.ts';
import type { TargetPort } from './ports.ts';
import { agentNamespace, productEnvironment } from './product.ts';
import type { Product } from './product.ts';

/**
 * The paths that are compared. `tunnel` is our transport alone; `ours` the whole product, where the
 * manager dials; `ours-agent` the same where an agent of the connected namespace does.
 */
export const stageNames = ['direct', 'raw', 'kubectl', 'tunnel', 'ours', 'ours-agent'] as const;
export type StageName = (typeof stageNames)[number];

/** Round trips between laptop and API server that a playground can show, in milliseconds. */
export const roundTrips = [0, 20] as const;
export type RoundTrip = (typeof roundTrips)[number];

/** A path from a client to the target, open. */
export interface Stage extends AsyncDisposable {
  readonly name: StageName;
  readonly rtt: RoundTrip;
  readonly at: Readonly<Record<TargetPort, { readonly host: string; readonly port: number }>>;
  /** Words before `iperf3 …`, and before the arguments of our own clients. */
  readonly client: Readonly<Record<'tool' | 'probe' | 'flood', readonly string[]>>;
  /** Has to be called before each measurement. */
  readonly activate: () => Promise<void>;
  /** Ends a server that a broken run left hanging. */
  readonly restartIperf: (signal: AbortSignal) => Promise<void>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface StageDeps {
  readonly layout: Layout;
  readonly laptop: Machine;
  readonly cluster: Machine;
  readonly lab: Lab;
  /** Needed by `ours` only. */
  readonly product: Product | undefined;
  /** Where the laptop is connected to. */
  readonly connected: { namespace: string | undefined };
}

interface StageOptions {
  readonly rtt: RoundTrip;
  /** Upgraded connections of `tunnel`. */
  readonly connections: number;
  /** Words for the gateway's Node: `--cpu-prof`. */
  readonly nodeOptions: readonly string[];
  readonly signal: AbortSignal;
}

/** Opens a path. */
export async function openStage(
  deps: StageDeps,
  name: StageName,
  options: StageOptions,
): Promise<Stage> {
  if (name === 'direct') return directStage(deps);
  if (name === 'kubectl') return portForwardStage(deps, options);
  if (name === 'raw' || name === 'tunnel') return gatewayStage(deps, name, options);
  return oursStage(deps, name, options);
}

/** The whole product: clients on the laptop use the pod's own address. */
function oursStage(deps: StageDeps, name: 'ours' | 'ours-agent', options: StageOptions): Stage {
  const { product } = deps;
  if (product === undefined) throw new BenchError('NotReady', 'stage ours: no product');
  const { rtt, signal } = options;
  const namespace = name === 'ours' ? labNamespace : agentNamespace;
  return {
    ...laptopClients(deps, rtt),
    name,
    at: everyPort((port) => ({ host: deps.lab.targetIp, port: targetPorts[port] })),
    // A laptop has one connection: two stages of this kind take turns.
    activate: async () => {
      if (deps.connected.namespace === namespace) return;
      await product.telepresence(['quit', '-s'], { rtt, signal });
      await product.telepresence(['connect', '--namespace', namespace], { rtt, signal });
      deps.connected.namespace = namespace;
    },
    [Symbol.asyncDispose]: async () => {
      deps.connected.namespace = undefined;
      await product.telepresence(['quit', '-s'], { rtt, signal: AbortSignal.timeout(10_000) });
    },
  };
}

/** From pod to pod, without us. */
function directStage({ layout, cluster, lab }: StageDeps): Stage {
  const exec = ['kubectl', 'exec', '--namespace', labNamespace, 'client', '--'];
  const tool = [...enter(cluster, '/'), ...exec];
  return {
    name: 'direct',
    rtt: 0,
    at: everyPort((port) => ({ host: lab.targetIp, port: targetPorts[port] })),
    client: {
      tool,
      probe: [...tool, 'node', '/programs/probe.mjs'],
      flood: [...tool, 'node', '/programs/flood.mjs'],
    },
    env: clusterEnvironment(layout, process.env),
    restartIperf: (signal) => restartIperf({ layout, cluster }, signal),
    activate: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

async function gatewayStage(
  deps: StageDeps,
  name: 'raw' | 'tunnel',
  options: StageOptions,
): Promise<Stage> {
  const ports = targetPortNames.map((port) => String(targetPorts[port]));
  const program = join(import.meta.dirname, 'laptop/gateway.ts');
  const words = [program, name, String(options.connections), deps.lab.targetIp, ...ports];
  const gateway = await startOn(deps.laptop, [process.execPath, ...options.nodeOptions, ...words], {
    env: productEnvironment(deps.layout, options.rtt),
    isReady: (printed) => printed.includes('\n'),
    signal: options.signal,
  });
  return laptopStage(deps, { name, rtt: options.rtt, process: gateway });
}

async function portForwardStage(deps: StageDeps, options: StageOptions): Promise<Stage> {
  const ports = targetPortNames.map((port) => `:${targetPorts[port]}`);
  const forward = ['kubectl', 'port-forward', '--address', '127.0.0.1', '--namespace'];
  const kubectl = await startOn(deps.laptop, [...forward, labNamespace, 'pod/target', ...ports], {
    env: productEnvironment(deps.layout, options.rtt),
    isReady: (printed) => printed.trim().split('\n').length === ports.length,
    signal: options.signal,
  });
  return laptopStage(deps, { name: 'kubectl', rtt: options.rtt, process: kubectl });
}

/** A stage whose clients run on the laptop, against the loopback ports that `process` printed. */
function laptopStage(
  deps: StageDeps,
  stage: {
    readonly name: StageName;
    readonly rtt: RoundTrip;
    readonly process: MachineProcess;
  },
): Stage {
  const { printed } = stage.process;
  const listening = stage.name === 'kubectl' ? forwardedPorts(printed) : gatewayPorts(printed);
  return {
    ...laptopClients(deps, stage.rtt),
    name: stage.name,
    at: everyPort((port) => ({
      host: '127.0.0.1',
      port: listening[targetPortNames.indexOf(port)] ?? 0,
    })),
    activate: async () => {},
    [Symbol.asyncDispose]: () => stage.process[Symbol.asyncDispose](),
  };
}

function laptopClients(
  deps: StageDeps,
  rtt: RoundTrip,
): Pick<Stage, 'rtt' | 'client' | 'env' | 'restartIperf'> {
  // Whatever ends nsenter ends the tool.
  const tool = [...enter(deps.laptop, '/'), 'setpriv', '--pdeathsig=KILL', '--'];
  const ours = (program: string): readonly string[] => [
    ...tool,
    process.execPath,
    join(import.meta.dirname, program),
  ];
  return {
    rtt,
    client: { tool, probe: ours('probe.ts'), flood: ours('flood.ts') },
    env: productEnvironment(deps.layout, rtt),
    restartIperf: (signal) => restartIperf(deps, signal),
  };
}

async function restartIperf(
  { layout, cluster }: Pick<StageDeps, 'layout' | 'cluster'>,
  signal: AbortSignal,
): Promise<void> {
  const exec = ['kubectl', 'exec', '--namespace', labNamespace, 'target', '--'];
  await runIn(cluster, [...exec, 'node', '/programs/target.mjs', 'restart-iperf'], {
    env: clusterEnvironment(layout, process.env),
    signal,
  });
}

function everyPort<T>(of: (port: TargetPort) => T): Readonly<Record<TargetPort, T>> {
  return { iperf: of('iperf'), http: of('http'), echo: of('echo'), flood: of('flood') };
}

const gatewayPorts = (printed: string): readonly number[] =>
  [...printed.matchAll(/\d+/g)].map(([port]) => Number(port));

const forwardedPorts = (printed: string): readonly number[] =>
  [...printed.matchAll(/127\.0\.0\.1:(\d+)/g)].map((match) => Number(match[1]));
