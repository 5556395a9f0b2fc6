import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { addresses, frontPorts, ports } from '../addresses.ts';
import { createAccessProxy } from './access-proxy.ts';
import { proxyCredentials } from './fronts.ts';
import { createHttpProxy } from './http-proxy.ts';
import { createSocksProxy } from './socks-proxy.ts';

// usage: fronts-main.ts DIRECTORY-OF-CERTIFICATES
const [directory = '.'] = process.argv.slice(2);
const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
const pair = (name: string) => ({ cert: read(`${name}.crt`), key: read(`${name}.key`) });
const tls = pair('front');
const access = {
  tls,
  ca: read('ca.crt'),
  identity: pair('front-proxy-client'),
  upstream: `${addresses.gateway}:${String(ports.api)}`,
};
const page = '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Hello</body></html>\n';

const servers: Readonly<Record<keyof typeof frontPorts, net.Server>> = {
  proxy: createHttpProxy({}),
  proxyWithPassword: createHttpProxy({ credentials: proxyCredentials }),
  proxyByTls: createHttpProxy({ tls }),
  socks: createSocksProxy(),
  websocket: createAccessProxy({ ...access, speaks: 'websocket' }),
  http2: createAccessProxy({ ...access, speaks: 'http2' }),
  // Accepts, and never says a word.
  silent: net.createServer((socket) => socket.on('error', () => {}).resume()),
  webpage: https.createServer(tls, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(page);
  }),
};
const portOf = new Map<string, number>(Object.entries(frontPorts));
for (const [name, server] of Object.entries(servers)) {
  server.listen(portOf.get(name), addresses.gateway);
}
