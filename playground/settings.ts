import { resolve } from 'node:path';
import { cacheFrom } from '../images/cache.ts';
import { PlaygroundError } from './error.ts';
import { layoutOf, type Layout } from './layout.ts';

/** What the environment says about which playground is meant and how. */
export interface Settings {
  readonly layout: Layout;
  /** The name of the kubeconfig that commands on a laptop use. */
  readonly kubeconfig: string;
}

/** Reads PLAYGROUND_NAME, PLAYGROUND_STATE, PLAYGROUND_RTT, PLAYGROUND_KUBECONFIG and the cache's place. */
export function settingsFrom(env: Readonly<Record<string, string | undefined>>): Settings {
  const name = env['PLAYGROUND_NAME'] || 'default';
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) {
    throw new PlaygroundError(
      'BadUsage',
      `PLAYGROUND_NAME=${name}: use up to 31 of a-z, 0-9 and "-"`,
    );
  }
  const rtt = env['PLAYGROUND_RTT'] || '0';
  if (rtt !== '0' && rtt !== '20') {
    throw new PlaygroundError('BadUsage', `PLAYGROUND_RTT=${rtt}: only 0 and 20 exist`);
  }
  return {
    layout: layoutOf({
      name,
      root: resolve(env['PLAYGROUND_STATE'] || '/var/lib/telepresence-playground'),
      cache: cacheFrom(env),
    }),
    kubeconfig: env['PLAYGROUND_KUBECONFIG'] || (rtt === '20' ? 'admin-rtt20' : 'admin'),
  };
}
