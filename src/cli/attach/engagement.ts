import type { InterceptMode } from '#protocol/intercept-mode.ts';
import type { FoundConfig } from '../config/client-config.ts';
import type { InterceptAsked } from './intercept-request.ts';

/** What a command asks for. */
export interface Engagement {
  readonly command: InterceptMode | 'replace';
  readonly request: InterceptAsked;
  readonly settings: FoundConfig;
}
