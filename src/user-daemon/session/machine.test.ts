import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ConnectError, createClient, createRouterTransport, Code } from '@connectrpc/connect';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { DesiredSchema, RootDaemon } from '#protocol/gen/telepresence_pb.ts';
import { holdMachine } from './machine.ts';

const signal = AbortSignal.timeout(10_000);

test('a root daemon that was started anew is asked at once, whatever the last attempt said', async () => {
  let running = false;
  let waits = 0;
  const transport = createRouterTransport(({ service }) => {
    service(RootDaemon, {
      async *hold(requests) {
        if (!running) throw new ConnectError('ECONNREFUSED', Code.Unavailable);
        for await (const { epoch } of requests) yield { epoch };
      },
    });
  });
  const clock: typeof systemClock = {
    ...systemClock,
    // A wait that only ends when it is cut short.
    async sleep(_ms, waiting) {
      waits += 1;
      await systemClock.sleep(60_000, waiting);
    },
  };
  const client = createClient(RootDaemon, transport);
  const seen: string[] = [];
  await using machine = holdMachine({
    client,
    clock,
    random: () => 0.5,
    log: silentLogger,
    onApplied: () => seen.push('applied'),
    onLost: () => seen.push('lost'),
  });
  machine.want(create(DesiredSchema, {}));
  await assert.rejects(machine.applied(signal), { code: 'RootDaemonUnavailable' });
  await assert.rejects(machine.applied(signal), { code: 'RootDaemonUnavailable' });
  running = true;
  await machine.applied(signal);
  assert.equal(waits, 2);
  assert.deepEqual(seen, ['lost', 'lost', 'applied']);
});
