import { join } from 'node:path';
import { addresses, frontPorts, ports } from '../addresses.ts';
import { certify, subjects } from '../certificates.ts';
import type { Component } from '../component.ts';
import { kubeconfigFor, writeKubeconfig } from '../kubeconfig.ts';
import type { Layout } from '../layout.ts';

/** User and password of the proxy that wants one; the `@` has to be written `%40` in a URL. */
export const proxyCredentials = 'developer:s@fe';

const at = (port: number): string => `${addresses.gateway}:${String(port)}`;

/** Kubeconfigs of the administrator that go through something, and what they go through. */
const kubeconfigs: Readonly<Record<string, { readonly server: string; readonly proxy?: string }>> =
  {
    'admin-proxy': { server: onlyByProxy(), proxy: `http://${at(frontPorts.proxy)}` },
    'admin-proxy-password': {
      server: onlyByProxy(),
      proxy: `http://developer:s%40fe@${at(frontPorts.proxyWithPassword)}`,
    },
    'admin-proxy-tls': { server: onlyByProxy(), proxy: `https://${at(frontPorts.proxyByTls)}` },
    'admin-socks': { server: onlyByProxy(), proxy: `socks5://${at(frontPorts.socks)}` },
    'admin-node': { server: onlyByProxy() },
    'admin-websocket': { server: `https://${at(frontPorts.websocket)}` },
    'admin-http2': { server: `https://${at(frontPorts.http2)}` },
    'admin-silent': { server: `https://${at(frontPorts.silent)}` },
    'admin-webpage': { server: `https://${at(frontPorts.webpage)}` },
  };

// A laptop does not reach the node's own address; a proxy on the cluster's machine does.
function onlyByProxy(): string {
  return `https://${addresses.node}:${String(ports.api)}`;
}

/** Everything that stands between a laptop and an API server elsewhere: proxies, access proxies. */
export async function fronts(layout: Layout, signal: AbortSignal): Promise<Component> {
  const serves = [addresses.gateway, 'localhost'];
  await certify(layout, 'front', { subject: { user: 'front', serves }, signal });
  for (const [name, { server, proxy }] of Object.entries(kubeconfigs)) {
    const options = { subject: subjects.admin, certificate: 'admin', server, signal };
    const text = await kubeconfigFor(layout, { ...options, proxy });
    await writeKubeconfig(layout, name, text);
  }
  const program = join(import.meta.dirname, 'fronts-main.ts');
  return { name: 'fronts', argv: [process.execPath, program, layout.certificates] };
}
