import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addresses, ports } from './addresses.ts';
import type { Component } from './component.ts';
import type { Layout } from './layout.ts';

/** A name in the world outside, which a split DNS must leave alone; all have the web's address. */
export const outsideNames = [
  'outside.example.com',
  'web.dev',
  'www.outside.test',
  'api.app',
  'long.chain.outside.test',
] as const;

/** What the outside web server answers, so that a test knows who did. */
export const outsideAnswer = 'outside\n';

/** The DNS server of the world outside: a fixed zone, NXDOMAIN for all other names. */
export async function outsideDns(layout: Layout, coredns: string): Promise<Component> {
  const zone = join(layout.config, 'outside.zone');
  const records = outsideNames.map((name) => `${name}. 60 IN A ${addresses.outsideWeb}`);
  await writeFile(
    zone,
    `$ORIGIN .
@ 60 IN SOA outside.test. admin.outside.test. 1 60 60 60 5
@ 60 IN NS outside.test.
outside.test. 60 IN A ${addresses.outsideDns}
outside.test. 60 IN MX 10 mail.outside.test.
outside.test. 60 IN TXT "text from outside"
_sip._tcp.outside.test. 60 IN SRV 0 5 5060 www.outside.test.
alias.outside.test. 60 IN CNAME www.outside.test.
six.outside.test. 60 IN AAAA 2001:db8::10
10.113.0.203.in-addr.arpa. 60 IN PTR www.outside.test.
${records.join('\n')}
`,
  );
  const corefile = join(layout.config, 'outside.corefile');
  await writeFile(
    corefile,
    `.:${ports.dns} {
  bind ${addresses.gateway} ${addresses.outsideDns}
  file ${zone} . {
    reload 0
  }
  errors
}
`,
  );
  return { name: 'outside-dns', argv: [coredns, '-conf', corefile] };
}

/** The web server of the world outside, on an address of its own and on the laptop's gateway. */
export async function outsideWeb(layout: Layout): Promise<readonly Component[]> {
  const pages = join(layout.config, 'outside-web');
  await mkdir(pages, { recursive: true });
  await writeFile(join(pages, 'index.html'), outsideAnswer);
  return [addresses.outsideWeb, addresses.gateway].map((address) => ({
    name: `outside-web-${address}`,
    argv: ['busybox', 'httpd', '-f', '-p', `${address}:${ports.web}`, '-h', pages],
  }));
}

/** The relays that make the API server 20 ms away, one of them over a link of 50 Mbit/s. */
export function delayedApi(): Component {
  return {
    name: 'delayed-api',
    argv: [
      process.execPath,
      join(import.meta.dirname, 'delay-relay-main.ts'),
      `${addresses.gateway}:${ports.api}`,
      `${addresses.gateway}:${ports.apiDelayed},20`,
      `${addresses.gateway}:${ports.apiNarrow},20,50`,
    ],
  };
}
