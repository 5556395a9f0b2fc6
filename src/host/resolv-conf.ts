import { formatIp, parseIp } from '#protocol/ip-address.ts';

/** What /etc/resolv.conf says (resolv.conf(5)). */
export interface ResolvConf {
  /** Addresses, at most as many as asked; a zone (`%eth0`) is kept. */
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Reads the text of a resolv.conf; what it does not understand it skips, as resolvers do. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  let search: string[] = [];
  const options: string[] = [];
  for (const line of text.split('\n')) {
    if (/^[#;]/.test(line)) continue;
    const [keyword, ...values] = line.trim().split(/\s+/);
    const [first = ''] = values;
    if (keyword === 'nameserver') {
      const [bare = '', zone] = first.split('%');
      const address = parseIp(bare);
      if (address === undefined) continue;
      const text = zone === undefined ? formatIp(address) : `${formatIp(address)}%${zone}`;
      if (!nameservers.includes(text)) nameservers.push(text);
    } else if (keyword === 'search' || keyword === 'domain') {
      // The last of the two wins.
      search = values.slice(0, keyword === 'domain' ? 1 : undefined);
    } else if (keyword === 'options') {
      options.push(...values);
    }
  }
  return { nameservers, search, options };
}
