import type { InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import { alignKeyValues, type KeyValue } from './key-values.ts';
import { modeWords } from './mode-words.ts';

/** The block's indentation; why four blanks and not three is in README.md. */
const indent = 4;

/** What `intercept`, `replace`, `wiretap` and `ingest` print when they are done. */
export function interceptedLines(info: InterceptInfo): readonly string[] {
  const { noun, done } = modeWords(info);
  const using = `Using ${info.workloadKind} ${info.workload}`;
  // An ingest does nothing to the workload, so nothing is said of that.
  if (noun === 'ingest') return [using, ...ingestBlock(info, 'told')];
  return [using, info.wholeContainer ? 'replaced' : done, ...interceptBlock(info)];
}

/** The same where a container answers, as the guide to Docker has it. */
export function handlerLines(info: InterceptInfo): readonly string[] {
  const [using = '', ...rest] = interceptedLines(info);
  const block = rest.filter((line) => line.startsWith(' '.repeat(indent)));
  return [
    using,
    ...block.map((line) =>
      line.slice(1).replace(/^( *Intercepting *: all TCP) connections$/, '$1 requests'),
    ),
  ];
}

/** The facts of one intercept, wiretap or ingest, as `list` prints them. */
export function attachmentBlock(info: InterceptInfo): readonly string[] {
  return modeWords(info).noun === 'ingest' ? ingestBlock(info, 'listed') : interceptBlock(info);
}

function interceptBlock(info: InterceptInfo): readonly string[] {
  const pairs: KeyValue[] = [
    { key: `${modeWords(info).title} name`, value: info.name },
    { key: 'State', value: stateText(info) },
    { key: 'Workload kind', value: info.workloadKind },
  ];
  if (info.replaced && info.container !== '') {
    pairs.push({ key: 'Replaced container', value: info.container });
  }
  if (!info.wholeContainer) {
    pairs.push({ key: 'Destination', value: hostPort(info.targetHost, info.targetPort) });
  }
  if (info.servicePort !== '') {
    const key = info.service === '' ? 'Container Port Identifier' : 'Service Port Identifier';
    pairs.push({ key, value: info.servicePort });
  }
  pairs.push(...mountPairs(info));
  if (info.wholeContainer) {
    pairs.push(wholeContainer(info));
    return alignKeyValues(pairs, indent);
  }
  pairs.push({ key: 'Intercepting', value: whatIsTaken(info) });
  // Without a service there is no name to ask for, so the pod's address is what one can use.
  if (info.service === '' && info.podIp !== '') {
    pairs.push({ key: 'Address', value: hostPort(info.podIp, info.containerPort) });
  }
  return alignKeyValues(pairs, indent);
}

/** What of the port, or of the container's ports, goes to the laptop. */
export function whatIsTaken({
  protocol,
  ports,
}: Pick<InterceptInfo, 'protocol' | 'ports'>): string {
  const protocols = new Set([protocol, ...ports.map((port) => port.protocol)]);
  if (!protocols.has('UDP')) return 'all TCP connections';
  return protocols.has('TCP') ? 'all TCP connections and UDP datagrams' : 'all UDP datagrams';
}

/** Each port of the container, and where it goes. */
function wholeContainer({ ports, podIp, targetHost }: InterceptInfo): KeyValue {
  const key = 'Intercepting';
  if (ports.length === 0)
    return { key, value: 'nothing, as the container has no TCP or UDP ports' };
  return {
    key,
    value: `${podIp === '' ? 'the container' : podIp} -> ${targetHost}`,
    beneath: ports.map(
      ({ port, target, protocol }) => `${String(port)} -> ${String(target)} ${protocol}`,
    ),
  };
}

/** Its name and state are said where they are not what was just asked for. */
function ingestBlock(info: InterceptInfo, where: 'told' | 'listed'): readonly string[] {
  const pairs: KeyValue[] = where === 'told' ? [] : [{ key: 'Ingest name', value: info.name }];
  if (info.state !== 'ACTIVE') pairs.push({ key: 'State', value: stateText(info) });
  pairs.push(
    { key: 'Container name', value: info.container },
    { key: 'Workload kind', value: info.workloadKind },
    ...mountPairs(info),
  );
  return alignKeyValues(pairs, indent);
}

function mountPairs({ mountPoint, mountNote, mountError }: InterceptInfo): readonly KeyValue[] {
  return [
    { key: 'Volume Mount Point', value: mountPoint },
    { key: 'Volume Mount Note', value: mountNote },
    { key: 'Volume Mount Error', value: mountError },
  ].filter(({ value }) => value !== '');
}

function stateText(info: InterceptInfo): string {
  if (info.state === 'ACTIVE') return info.state;
  if (info.state === 'ERROR') return `error: ${info.message}`;
  return info.message === '' ? info.state : `${info.state} (${info.message})`;
}

/** `10.0.0.4:80`, `[fd00::4]:80` */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}
