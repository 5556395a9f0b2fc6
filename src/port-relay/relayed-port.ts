/** A port that is handed on. */
export interface RelayedPort {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

/** `8080/tcp`, `53/udp`; undefined where it is neither. */
export function parseRelayedPort(text: string): RelayedPort | undefined {
  const match = /^(\d{1,5})\/(tcp|udp)$/.exec(text);
  const port = Number(match?.[1] ?? 0);
  if (port < 1 || port > 65_535) return undefined;
  return { port, protocol: match?.[2] === 'udp' ? 'udp' : 'tcp' };
}
