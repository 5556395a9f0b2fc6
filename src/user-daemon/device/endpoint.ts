import { formatIp, type IpAddress } from '#protocol/ip-address.ts';

/** An address and a port. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** `10.0.0.4:80`, `[fd00::4]:80`. */
export function formatEndpoint({ address, port }: Endpoint): string {
  const host = formatIp(address);
  return `${address.family === 6 ? `[${host}]` : host}:${port}`;
}
