import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import type { LevelSwitch, Logger } from '#base/log.ts';
import { startRelay } from './relay/relay.ts';
import { relaySettings, type RelaySettings } from './relay/settings.ts';

/** The settings in the first line of `input`; the stream stays open for as long as the controller lives. */
export async function readRelaySettings(input: Readable): Promise<RelaySettings> {
  const lines = createInterface({ input });
  const [line] = await once(lines, 'line');
  return v.parse(relaySettings, JSON.parse(String(line)));
}

/** Runs the relay until it is asked to stop, and laptops have gone elsewhere; or at once when `gone` aborts. */
export async function runRelay(
  deps: { readonly clock: Clock; readonly log: Logger; readonly level: LevelSwitch },
  settings: RelaySettings,
  stop: AbortSignal,
  gone: AbortSignal,
): Promise<void> {
  await using relay = await startRelay(deps, settings, gone);
  deps.log.info('relay ready', { api: relay.apiPort, agents: relay.agentsPort });
  const stopped = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([relay.ended, stopped]);
  if (!stop.aborted) return;
  deps.log.info('relay drains');
  await Promise.race([relay.ended, relay.drain()]);
}
