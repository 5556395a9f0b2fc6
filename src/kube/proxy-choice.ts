import net from 'node:net';
import { KubeError } from './errors.ts';
import { hostOf, portOf } from './tcp.ts';

/** The proxy on the way to `server`: the kubeconfig's own, else the environment's. */
export function chooseProxy(
  server: URL,
  options: {
    readonly proxyUrl: string | undefined;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): URL | undefined {
  if (options.proxyUrl !== undefined && options.proxyUrl !== '') return toUrl(options.proxyUrl);
  const variable = (name: string): string | undefined =>
    options.env[name] || options.env[name.toLowerCase()] || undefined;
  const chosen = variable(server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  if (chosen === undefined || isExempt(server, variable('NO_PROXY') ?? '')) return undefined;
  return toUrl(chosen);
}

function toUrl(text: string): URL {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url === null) throw new KubeError('BadConfig', 'the proxy’s address is not a URL');
  return url;
}

// As Go's httpproxy: loopback always, then names with their subdomains, addresses and networks.
function isExempt(server: URL, noProxy: string): boolean {
  const host = hostOf(server).toLowerCase();
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return true;
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      if (entry.includes('/')) return inNetwork(host, entry);
      const [name = '', port] = entry.startsWith('[') ? [entry.slice(1, -1)] : entry.split(':');
      if (port !== undefined && Number(port) !== portOf(server)) return false;
      const bare = name.replace(/^\*?\./, '');
      return name.startsWith('.') || name.startsWith('*.')
        ? host.endsWith(`.${bare}`)
        : host === bare || host.endsWith(`.${bare}`);
    });
}

function inNetwork(host: string, network: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const family = net.isIP(host);
  const fits = /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32);
  if (family === 0 || net.isIP(address) !== family || !fits) return false;
  const list = new net.BlockList();
  const name = family === 6 ? 'ipv6' : 'ipv4';
  list.addSubnet(address, Number(bits), name);
  return list.check(host, name);
}
