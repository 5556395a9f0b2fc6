import { modeOf } from '#protocol/intercept-mode.ts';
import type { Intercept } from '#protocol/resources.ts';
import type { PortProtocol } from '#protocol/agent-config.ts';
import { UserDaemonError } from '../errors.ts';
import type { FindTarget, HandlerTarget } from '../flows/handler-target.ts';
import { laptopTargets, targetFor } from './laptop-targets.ts';

/** A port of this machine's, or of another's, to which an intercept's traffic goes. */
export interface LocalPort extends HandlerTarget {
  readonly protocol: PortProtocol;
}

/** The intercepts of this session as the API server last told them. */
export interface InterceptTable {
  readonly intercepts: readonly Intercept[];
  readonly findTarget: FindTarget;
  byName(name: string): Intercept | undefined;
  /** Ingests of a workload, whatever they are called; of one container where it is named. */
  ingestsOf(workload: string, container: string): readonly Intercept[];
  byUid(uid: string): Intercept | undefined;
  /** Throws where another intercept of ours than these already sends its traffic to this target. */
  checkFree(target: LocalPort, names: readonly string[]): void;
  /** New or changed. */
  put(intercept: Intercept): void;
  remove(uid: string): void;
  /** Calls `onChange` after each change, until disposed. */
  follow(onChange: () => void): Disposable;
}

/** An empty table. */
export function createInterceptTable(): InterceptTable {
  const byUid = new Map<string, Intercept>();
  const followers = new Set<() => void>();
  const changed = (): void => {
    for (const follower of followers) follower();
  };
  const list = (): readonly Intercept[] =>
    [...byUid.values()].toSorted((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
  return {
    get intercepts() {
      return list();
    },
    findTarget(uid, at) {
      const found = byUid.get(uid);
      const target = found && targetFor(found, at);
      return target && { ...target, isCopy: modeOf(found.spec) === 'wiretap' };
    },
    // While one replaces another there are two of a name; the later one is meant.
    byName: (name) => [...byUid.values()].findLast(({ spec }) => spec.name === name),
    byUid: (uid) => byUid.get(uid),
    ingestsOf: (workload, container) =>
      list().filter(
        ({ spec, status }) =>
          modeOf(spec) === 'ingest' &&
          spec.workload.name === workload &&
          (container === '' || container === (spec.container ?? status.container)),
      ),
    checkFree(target, names) {
      const other = [...byUid.values()].find(
        (one) =>
          !names.includes(one.spec.name) &&
          laptopTargets(one).some(
            ({ host, port, protocol }) =>
              port === target.port && host === target.host && protocol === target.protocol,
          ),
      );
      if (other === undefined) return;
      throw new UserDaemonError(
        'PortTaken',
        `port ${String(target.port)} serves the intercept ${other.spec.name}`,
        { facts: { port: String(target.port), owner: other.spec.name } },
      );
    },
    put(intercept) {
      byUid.set(intercept.metadata.uid, intercept);
      changed();
    },
    remove(uid) {
      byUid.delete(uid);
      changed();
    },
    follow(onChange) {
      followers.add(onChange);
      return { [Symbol.dispose]: () => void followers.delete(onChange) };
    },
  };
}
