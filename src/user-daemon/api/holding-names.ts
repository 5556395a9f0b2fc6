import { once } from 'node:events';
import { create } from '@bufbuild/protobuf';
import {
  NamesHeldSchema,
  type HoldNamesRequest,
  type NamesHeld,
} from '#protocol/gen/telepresence_pb.ts';
import type { Connector } from '../session/connector.ts';

/** Answers names as somebody says, for as long as he listens or the session lasts. */
export async function* holdingNames(
  connector: Connector,
  request: HoldNamesRequest,
  signal: AbortSignal,
): AsyncGenerator<NamesHeld> {
  using held = await connector.need().holdNames(request, signal);
  yield create(NamesHeldSchema, {});
  if (signal.aborted) return;
  const waiting = new AbortController();
  const gone = once(signal, 'abort', { signal: waiting.signal }).catch(() => {});
  await Promise.race([gone, held.ended]);
  waiting.abort();
}
