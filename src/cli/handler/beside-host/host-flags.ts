import { containerSearch } from '#protocol/container-search.ts';
import type { InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import { lastValue, type DockerWords } from '../docker-words.ts';

/** A container's network as the user has it. */
export type OwnNetwork =
  /** A bridge, by Docker's name of the network. */
  | { readonly kind: 'bridge'; readonly name: string }
  /** This machine's own, another container's, none at all. */
  | { readonly kind: 'other' };

/** Docker's own words for networks that are none of its bridges. */
const notBridges = /^(?:host|none|container:.*)$/;

/** Which network the user's words give the container. */
export function ownNetwork(words: DockerWords): OwnNetwork {
  const name = lastValue(words, 'network') ?? 'default';
  if (notBridges.test(name)) return { kind: 'other' };
  return { kind: 'bridge', name: name === 'default' ? 'bridge' : name };
}

/** A port of this machine at which a port of the container is to be. */
export interface Published {
  readonly host: string;
  readonly port: number;
  readonly container: number;
  readonly protocol: string;
}

/** What leads an intercept's traffic into the container. */
export function publishedPorts(
  info: InterceptInfo,
  containerPort: number | undefined,
): readonly Published[] {
  const { targetHost: host, targetPort, protocol, wholeContainer, ports, mode } = info;
  if (mode === 'ingest') return [];
  if (wholeContainer) {
    return ports.map((one) => ({
      host,
      port: one.target,
      container: one.target,
      protocol: one.protocol,
    }));
  }
  return [{ host, port: targetPort, container: containerPort ?? targetPort, protocol }];
}

/** The flags of a container whose daemon runs on this machine. */
export function hostFlags(options: {
  readonly network: OwnNetwork;
  readonly ports: readonly Published[];
  /** What the user publishes himself. */
  readonly published: readonly string[];
  /** Names of a single label are found without it. */
  readonly withoutSearch: boolean;
}): readonly string[] {
  const { network, ports, published, withoutSearch } = options;
  if (network.kind !== 'bridge') return [];
  const search = withoutSearch ? [] : [`--dns-search=${containerSearch}`];
  const own = ports.filter((port) => !published.some((one) => isAlready(one, port)));
  return [...search, ...own.flatMap((port) => ['-p', publishedAs(port)])];
}

function publishedAs({ host, port, container, protocol }: Published): string {
  const at = host.includes(':') ? `[${host}]` : host === 'localhost' ? '127.0.0.1' : host;
  return `${at}:${String(port)}:${String(container)}${protocol === 'UDP' ? '/udp' : ''}`;
}

/** The user has said it in words of his own. */
function isAlready(typed: string, { port, protocol }: Published): boolean {
  const [, host, , kind = 'tcp'] = /(?:^|:)(\d+):(\d+)(?:\/(\w+))?$/.exec(typed) ?? [];
  return Number(host) === port && kind.toLowerCase() === protocol.toLowerCase();
}
