/** Whatever the machine's files and tools print: it is read, or a HostError. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '#base/clock.ts';
import { nearlyJson, nearlyText } from '#base/nearly.fixture.ts';
import { parseIp } from '#protocol/ip-address.ts';
import { HostError } from './errors.ts';
import { findServiceAddresses } from './kube-proxy.ts';
import { ownMountPoints } from './mounts/mount-table.ts';
import { socketInodes } from './port-holder.ts';
import { parseResolvConf } from './resolv-conf.ts';
import { createResolved } from './resolved.ts';
import { parseRoutes } from './routes.ts';

test('resolv.conf: nameservers are addresses', () => {
  const sample = 'search a.b c\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\noptions ndots:5\n';
  const signs = ['\n', ' ', '\t', '%', '#', ';', 'nameserver ', 'domain ', '::', '\r'];
  fc.assert(
    fc.property(nearlyText([sample], signs), (text) => {
      for (const one of parseResolvConf(text).nameservers) {
        assert.notEqual(parseIp(one.split('%')[0] ?? ''), undefined, one);
      }
    }),
    { numRuns: 1000 },
  );
});

test('routes', () => {
  const sample = [
    { dst: 'default', gateway: '10.0.0.1', dev: 'eth0' },
    { type: 'blackhole', dst: '10.2.0.0/16', flags: [] },
    { dst: '10.1.0.0/16', dev: 'cni0' },
  ];
  const json = nearlyJson([sample]).map((one) => JSON.stringify(one) ?? '');
  fc.assert(
    fc.property(fc.oneof(json, fc.string()), (text) => {
      try {
        for (const { subnet } of parseRoutes(text).routes) assert.ok(subnet.prefix > 0);
      } catch (error) {
        assert.ok(error instanceof HostError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

test('tables of the kernel and of nft, however long, at once', () => {
  const nft =
    '\tchain KUBE-SERVICES {\n\t\tip daddr 10.96.0.1 tcp dport 443\n\t}\n\tmap service-ips {\n\t\telements = { 10.96.0.10 . tcp . 53 : goto x }\n\t}\n';
  const mounts = 'telepresence:/ /tmp/a\\040b fuse.sshfs rw 0 0\n/dev/sda / ext4 rw 0 0\n';
  const sockets = '  0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 1000 0 4711 1\n';
  const signs = ['\n', ' ', '\t', '}', '{', '\\', '\\777', ' . ', ' : ', 'daddr ', '0A'];
  fc.assert(
    fc.property(nearlyText([nft, mounts, sockets], signs), (text) => {
      for (const address of findServiceAddresses(text)) assert.ok(address.family > 0);
      ownMountPoints(text);
      socketInodes(text, { port: 8080, protocol: 'TCP' });
    }),
    { numRuns: 1000 },
  );
  const long = `\tmap service-ips {\n${'x . '.repeat(50_000)}`;
  assert.deepEqual(findServiceAddresses(long), []);
  assert.deepEqual(findServiceAddresses(`\tmap service-ips {\n${'x . '.repeat(5000)}\n\t}\n`), []);
});

test('systemd-resolved', async () => {
  const printed = fc.oneof(
    nearlyJson([{ type: 'b', data: [true] }, { type: 'o', data: ['/a'] }, [{ ifindex: 7 }]]).map(
      (one) => JSON.stringify(one) ?? '',
    ),
    fc.string(),
  );
  await fc.assert(
    fc.asyncProperty(printed, async (text) => {
      const runTool = async (): Promise<string> => await Promise.resolve(text);
      const resolved = createResolved({ runTool, clock: systemClock });
      const signal = AbortSignal.timeout(10_000);
      assert.equal(typeof (await resolved.isRunning(signal)), 'boolean');
    }),
  );
});
