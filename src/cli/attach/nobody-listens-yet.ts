import type { InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import { modeNamed } from '#protocol/intercept-mode.ts';
import { nobodyListens } from '../output/nobody-listens.ts';

/** A sentence for each port of this machine to which traffic goes, and at which nobody listens. */
export async function nobodyListensYet(info: InterceptInfo): Promise<string[]> {
  const { targetHost: host, targetPort, protocol, wholeContainer, ports } = info;
  const mode = modeNamed(info.mode);
  if (mode === 'ingest') return [];
  const targets = wholeContainer ? ports : [{ target: targetPort, protocol }];
  const said = new Set<string>();
  for (const one of targets) {
    const isUdp = one.protocol === 'UDP';
    const port = { port: one.target, protocol: isUdp ? 'UDP' : 'TCP' } as const;
    if (!(await nobodyListens(host, port))) continue;
    const refused = mode === 'wiretap' ? 'the copies are thrown away' : 'requests are refused';
    const lost = isUdp ? 'datagrams are lost' : refused;
    said.add(
      `nothing listens on ${host}:${String(one.target)}${isUdp ? '/UDP' : ''} of this machine yet: until something does, ${lost}`,
    );
  }
  return [...said];
}
