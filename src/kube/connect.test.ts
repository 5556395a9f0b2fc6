import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { TLSSocket } from 'node:tls';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createKubeClient } from './client.ts';
import type { ClusterAccess, ServerTrust } from './cluster-access.ts';
import { isKubeError } from './errors.ts';
import type { Credentials } from './cluster-access.ts';
import { createIdentitySource } from './identity.ts';
import { kubeObjectSchema } from './objects.ts';
import { resources } from './resource.ts';
import { testAccess } from './test-api-server.ts';
import { selfSigned } from './test-certificates.ts';

const signal = AbortSignal.timeout(20_000);
const server = selfSigned('/CN=kubernetes', 'DNS:kubernetes');
const byAddress = selfSigned('/CN=kubernetes', 'IP:127.0.0.1');
const alice = selfSigned('/CN=alice', 'DNS:alice');
const pod = { resource: resources.pods, namespace: 'default', name: 'a', schema: kubeObjectSchema };

/** An HTTPS API server that says in the object's name who came. */
async function listen(
  certificate: typeof server,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const api = https.createServer(
    { ...certificate, ca: alice.cert, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const peer =
        request.socket instanceof TLSSocket
          ? request.socket.getPeerCertificate().subject
          : undefined;
      response.end(JSON.stringify({ metadata: { name: String(peer?.CN ?? 'nobody') } }));
    },
  );
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  return {
    port: portOf(api),
    async [Symbol.asyncDispose]() {
      api.closeAllConnections();
      api.close();
    },
  };
}

function portOf(listening: net.Server): number {
  const address = listening.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function accessTo(
  port: number,
  trust: Partial<ServerTrust>,
  credentials: Credentials = {},
): ClusterAccess {
  const whole = { ca: server.cert, serverName: undefined, skipVerify: false, ...trust };
  return {
    ...testAccess(`https://127.0.0.1:${String(port)}`),
    trust: whole,
    ...createIdentitySource(
      { clock: systemClock },
      { trust: whole, user: 'alice', impersonation: {}, read: async () => credentials },
    ),
  };
}

async function nameSeen(access: ClusterAccess): Promise<string> {
  await using client = createKubeClient({ access, clock: systemClock, userAgent: 'test' });
  return (await client.get({ ...pod, signal })).metadata.name;
}

test('the server is known by its authority and name, we by our certificate', async () => {
  await using api = await listen(server);
  const trust = { serverName: 'kubernetes' };
  assert.equal(await nameSeen(accessTo(api.port, trust)), 'nobody');
  assert.equal(await nameSeen(accessTo(api.port, trust, alice)), 'alice');
  await using other = await listen(byAddress);
  assert.equal(await nameSeen(accessTo(other.port, { ca: byAddress.cert }, alice)), 'alice');
});

test('another name or authority is refused with a reason, unless nobody wants to know', async () => {
  await using api = await listen(server);
  const refused = async (trust: Partial<ServerTrust>, words: RegExp): Promise<void> => {
    await assert.rejects(nameSeen(accessTo(api.port, trust)), (error) => {
      assert.ok(isKubeError(error, 'Unreachable'));
      assert.match(error.message, words);
      return true;
    });
  };
  await refused({}, /IP: 127.0.0.1 is not in the cert's list/);
  await refused(
    { serverName: 'kubernetes', ca: alice.cert },
    /not signed by the authority in the kubeconfig/,
  );
  assert.equal(await nameSeen(accessTo(api.port, { ca: alice.cert, skipVerify: true })), 'nobody');
});

test('through a proxy: CONNECT with its credentials, then our own TLS', async () => {
  await using api = await listen(server);
  const asked: string[] = [];
  const proxy = http.createServer();
  proxy.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    asked.push(`${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`);
    if (asked.length > 1) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const onward = net.connect(api.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const access = {
    ...accessTo(api.port, { serverName: 'kubernetes' }, alice),
    proxy: new URL(`http://me:s%40fe@127.0.0.1:${String(portOf(proxy))}`),
  };
  assert.equal(await nameSeen(access), 'alice');
  const basic = Buffer.from('me:s@fe').toString('base64');
  assert.deepEqual(asked, [`127.0.0.1:${String(api.port)} Basic ${basic}`]);
  await assert.rejects(nameSeen(access), (error) => {
    assert.ok(isKubeError(error, 'Unreachable'));
    assert.match(error.message, /proxy .* refused a connection to .*: HTTP 403/);
    return true;
  });
  proxy.closeAllConnections();
  proxy.close();
});

test('credentials are read again when their time has come, and contexts kept while they last', async () => {
  let now = 1000;
  let reads = 0;
  const source = createIdentitySource(
    { clock: { now: () => now } },
    {
      trust: { ca: server.cert, serverName: undefined, skipVerify: false },
      user: 'test',
      impersonation: {},
      read: async () => {
        reads += 1;
        return { authorization: `Bearer ${String(reads)}`, refreshAt: now + 100 };
      },
    },
  );
  const first = await source.identify(signal);
  assert.equal(await source.identify(signal), first);
  now += 100;
  const second = await source.identify(signal);
  assert.equal(second.headers['authorization'], 'Bearer 2');
  assert.equal(second.secureContext, first.secureContext);
});

/** A SOCKS5 proxy that wants `me` and `s@fe` when asked for by a user, and reports what it is asked. */
function socksProxy(asked: string[]): net.Server {
  return net.createServer((client) => {
    client.on('error', () => {});
    const steps = [
      (bytes: Buffer) => {
        asked.push(`methods ${[...bytes.subarray(2)].join(' ')}`);
        client.write(Buffer.from([5, bytes.includes(2) ? 2 : 0]));
        if (!bytes.includes(2)) steps.shift();
      },
      (bytes: Buffer) => {
        const length = bytes[1] ?? 0;
        const user = bytes.subarray(2, 2 + length).toString();
        const password = bytes.subarray(3 + length).toString();
        asked.push(`${user}:${password}`);
        client.write(Buffer.from([1, password === 's@fe' ? 0 : 1]));
      },
      (bytes: Buffer) => {
        const port = bytes.readUInt16BE(bytes.length - 2);
        const onward = net.connect(port, '127.0.0.1', () => {
          asked.push(`connect ${[...bytes.subarray(0, 4)].join(' ')}`);
          client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
          client.pipe(onward).pipe(client);
        });
        onward.on('error', () => client.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])));
        client.off('data', onData);
        client.pause();
      },
    ];
    const onData = (bytes: Buffer): void => steps.shift()?.(bytes);
    client.on('data', onData);
  });
}

test('through SOCKS5: with and without a password, refusals named', async () => {
  await using api = await listen(server);
  const asked: string[] = [];
  const proxy = socksProxy(asked).listen(0, '127.0.0.1').unref();
  await once(proxy, 'listening');
  const web = http.createServer().listen(0, '127.0.0.1').unref();
  await once(web, 'listening');
  const at = `127.0.0.1:${String(portOf(proxy))}`;
  const by = (url: string, port = api.port): ClusterAccess => ({
    ...accessTo(port, { serverName: 'kubernetes' }, alice),
    proxy: new URL(url),
  });
  assert.equal(await nameSeen(by(`socks5://${at}`)), 'alice');
  assert.deepEqual(asked.splice(0), ['methods 0', 'connect 5 1 0 1']);
  assert.equal(await nameSeen(by(`socks5h://me:s%40fe@${at}`)), 'alice');
  assert.deepEqual(asked.splice(0), ['methods 0 2', 'me:s@fe', 'connect 5 1 0 1']);
  for (const [access, words] of [
    [by(`socks5://me:no@${at}`), /user and password were not accepted/],
    [by(`socks5://${at}`, 1), /no connection to 127.0.0.1:1: connection refused/],
    [by(`socks5://127.0.0.1:${String(portOf(web))}`), /proxy 127.0.0.1:\d+: not a SOCKS5 proxy/],
    [by(`ftp://${at}`), /only http, https and socks5 proxies are known/],
  ] as const) {
    await assert.rejects(nameSeen(access), words);
  }
  proxy.close();
  web.close();
});

test('a proxy by TLS is trusted by the authority of the cluster, and as little checked as that', async () => {
  await using api = await listen(server);
  const proxy = https.createServer(byAddress);
  proxy.on('connect', (_request: http.IncomingMessage, socket: net.Socket) => {
    const onward = net.connect(api.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const by = (trust: Partial<ServerTrust>): ClusterAccess => ({
    ...accessTo(api.port, { serverName: 'kubernetes', ...trust }, alice),
    proxy: new URL(`https://127.0.0.1:${String(portOf(proxy))}`),
  });
  assert.equal(await nameSeen(by({ ca: `${server.cert}\n${byAddress.cert}` })), 'alice');
  assert.equal(await nameSeen(by({ skipVerify: true })), 'alice');
  await assert.rejects(nameSeen(by({})), /not signed by the authority/);
  proxy.closeAllConnections();
  proxy.close();
});
