import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { dialFiles, type FilesPlace } from './dial.ts';
import { openLink, type Link } from './link.ts';

interface Deps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** A link that is somebody's until it is disposed. */
export interface HeldLink extends Disposable {
  readonly link: Link;
}

/** The links of all volumes: those that show the same container's files share one. */
export interface Links {
  hold(place: FilesPlace): HeldLink;
}

/** None yet. */
export function createLinks(deps: Deps): Links {
  const links = new Map<string, { readonly link: Link; users: number }>();
  return {
    hold(place) {
      const { host, port, token, container, readOnly } = place;
      const key = JSON.stringify([host, port, token, container, readOnly]);
      const log = deps.log.child({ host, port, container });
      const dial = async (signal: AbortSignal) => await dialFiles(deps, place, signal);
      const shared = links.get(key) ?? { link: openLink({ ...deps, log, dial }), users: 0 };
      links.set(key, shared);
      shared.users += 1;
      let held = true;
      return {
        link: shared.link,
        [Symbol.dispose]() {
          if (!held) return;
          held = false;
          shared.users -= 1;
          if (shared.users > 0) return;
          links.delete(key);
          shared.link[Symbol.dispose]();
        },
      };
    },
  };
}
