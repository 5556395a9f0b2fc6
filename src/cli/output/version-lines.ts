import { alignKeyValues } from './key-values.ts';

/** What is known of each part's version when `version` is asked. */
export interface Versions {
  readonly client: string;
  /** undefined: not running */
  readonly rootDaemon: string | undefined;
  /** undefined: not running */
  readonly userDaemon: string | undefined;
  /** undefined: not connected */
  readonly manager: string | undefined;
  readonly agentImage: string | undefined;
}

/** A version as people know it, with its `v`; `otherwise` where there is none. */
export function shownVersion(version: string | undefined, otherwise = ''): string {
  if (version === undefined || version === '') return otherwise;
  return /^\d/.test(version) ? `v${version}` : version;
}

/** What `version` prints. */
export function versionLines(versions: Versions): readonly string[] {
  const pairs = [
    { key: 'Client', value: shownVersion(versions.client) },
    { key: 'Root Daemon', value: shownVersion(versions.rootDaemon, 'not running') },
    { key: 'User Daemon', value: shownVersion(versions.userDaemon, 'not running') },
    { key: 'Traffic Manager', value: shownVersion(versions.manager, 'not connected') },
  ];
  if (versions.agentImage !== undefined && versions.agentImage !== '') {
    pairs.push({ key: 'Traffic Agent', value: versions.agentImage });
  }
  return alignKeyValues(pairs, 0);
}
