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

/** What `version` prints. */
export function versionLines(versions: Versions): readonly string[] {
  const pairs = [
    { key: 'OSS Client', value: versions.client },
    versions.rootDaemon === undefined
      ? { key: 'Root Daemon', value: 'not running' }
      : { key: 'OSS Root Daemon', value: versions.rootDaemon },
    versions.userDaemon === undefined
      ? { key: 'User Daemon', value: 'not running' }
      : { key: 'OSS User Daemon', value: versions.userDaemon },
  ];
  if (versions.userDaemon !== undefined) {
    pairs.push(
      versions.manager === undefined
        ? { key: 'Traffic Manager', value: 'not connected' }
        : { key: 'OSS Traffic Manager', value: versions.manager },
    );
  }
  if (versions.agentImage !== undefined && versions.agentImage !== '') {
    pairs.push({ key: 'Traffic Agent', value: versions.agentImage });
  }
  return alignKeyValues(pairs, 0);
}
