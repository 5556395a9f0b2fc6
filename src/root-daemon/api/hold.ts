import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';

import { CodedError, describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { race } from '#base/race.ts';
import {
  AppliedSchema,
  FailureSchema,
  type Applied,
  type Desired,
} from '#protocol/gen/telepresence_pb.ts';

import { formatSubnet } from '#host/subnets.ts';
import { HostError, type HostErrorCode } from '#host/errors.ts';

import { RootDaemonError } from '../errors.ts';
import type { Machine } from '../machine.ts';
import { planOf, routedSubnets } from '../plan.ts';
import { virtualSubnetsOf } from './virtual-subnets-of.ts';

interface Deps {
  readonly machine: Pick<Machine, 'apply' | 'release' | 'lost' | 'changed' | 'state'>;
  readonly log: Logger;
}

/** Serves `Hold`: the machine is as the stream's last message says, and as it was when it ends. */
export type ServeHold = (
  desires: AsyncIterable<Desired>,
  context: Pick<HandlerContext, 'signal'>,
) => AsyncGenerator<MessageInitShape<typeof AppliedSchema>>;

/** One stream at a time holds the machine. */
export function createHold({ machine, log }: Deps): ServeHold {
  let taken = false;
  return async function* hold(desires, { signal }) {
    if (taken) {
      throw new ConnectError('another user daemon holds this machine', Code.AlreadyExists);
    }
    taken = true;
    log.info('held');
    // The end of the connection must not wait until somebody asks this generator to go on.
    const release = (): void => {
      machine.release().catch((error: unknown) => {
        log.error('machine not released', { reason: describe(error) });
      });
    };
    signal.addEventListener('abort', release, { once: true });
    try {
      const iterator = desires[Symbol.asyncIterator]();
      let epoch: bigint | undefined;
      let next = iterator.next();
      let { changed } = machine;
      for (;;) {
        const result = await race<Awaited<typeof next> | RootDaemonError | undefined>([
          next,
          machine.lost,
          changed,
        ]);
        if (result instanceof RootDaemonError) throw result;
        if (result === undefined) {
          ({ changed } = machine);
          // Nobody asked for it: whoever holds the machine gets to know what it is now.
          if (epoch !== undefined) yield create(AppliedSchema, { epoch, ...outcomeOf(machine) });
          continue;
        }
        if (result.done === true) return;
        ({ epoch } = result.value);
        yield await applied({ machine, log }, { desired: result.value, signal });
        next = iterator.next();
      }
    } catch (error) {
      if (error instanceof RootDaemonError) throw new ConnectError(error.message, Code.Aborted);
      throw error;
    } finally {
      signal.removeEventListener('abort', release);
      await machine.release();
      taken = false;
      log.info('released');
    }
  };
}

/** The next step, where this machine lacks something. */
const hints: Partial<Readonly<Record<HostErrorCode, string>>> = {
  NftMissing: 'install the package nftables, then connect again',
  ToolMissing: 'install the package iproute2, then connect again',
  TunMissing: 'load the module: sudo modprobe tun (in a container: --device /dev/net/tun)',
  NotPermitted: 'root needs CAP_NET_ADMIN here (in a container: --cap-add NET_ADMIN)',
  NftFailed:
    'the kernel must have nf_tables with NAT: sudo modprobe nf_tables nft_redir nft_chain_nat',
  TableInUse: 'end the other telepresence on this machine: telepresence quit -s',
  AddressInUse: 'end whatever made the device tel0: ip link show tel0',
};

/** What is not there: the words of whoever looked for it say no more. */
function isLack(error: unknown): error is HostError {
  return error instanceof HostError && error.code.endsWith('Missing');
}

function factsOf(error: unknown): Record<string, string> {
  if (error instanceof RootDaemonError) return { ...error.facts };
  const hint = error instanceof HostError ? hints[error.code] : undefined;
  return hint === undefined ? {} : { hint };
}

/** What the machine has become in the end. */
function outcomeOf({ state }: Pick<Machine, 'state'>): MessageInitShape<typeof AppliedSchema> {
  if (state === undefined) return {};
  const { plan, ranges } = state.settled;
  return {
    routed: routedSubnets(plan).map(formatSubnet),
    virtual: virtualSubnetsOf(state.settled),
    virtualRanges: ranges.map(formatSubnet),
  };
}

async function applied(
  { machine, log }: Deps,
  { desired, signal }: { readonly desired: Desired; readonly signal: AbortSignal },
): Promise<Applied> {
  const { epoch } = desired;
  try {
    await machine.apply(planOf(desired), signal);
    return create(AppliedSchema, { epoch, ...outcomeOf(machine) });
  } catch (error) {
    signal.throwIfAborted();
    log.warning('desire not applied', { epoch: String(epoch), reason: describe(error) });
    const failure = create(FailureSchema, {
      code: error instanceof CodedError ? String(error.code) : 'Internal',
      message: isLack(error) ? error.message : describe(error),
      facts: factsOf(error),
    });
    return create(AppliedSchema, { epoch, failure });
  }
}
