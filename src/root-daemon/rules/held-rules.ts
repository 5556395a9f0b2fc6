import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { HostError } from '#host/errors.ts';
import type { RuleTable } from '#host/nft.ts';

import { aliveElement, aliveSeconds, aliveSet } from './alive.ts';
import { namesOfBridges } from './bridge-text.ts';
import { rulesChange } from './change.ts';
import type { Rules } from './rules.ts';

interface Deps {
  readonly clock: Pick<Clock, 'every'>;
  readonly log: Logger;
  readonly table: Pick<RuleTable, 'replace' | 'update'>;
  /** Names that somebody has just asked for go on by the way they had. */
  forgetDnsFlows(signal: AbortSignal): Promise<unknown>;
}

const stepMs = 5000;
const renewMs = 1000;

/** Our rules as the kernel has them, and the sign of life without which names are redirected no more. */
export class HeldRules implements Disposable {
  readonly #deps: Deps;
  #now: Rules | undefined;
  #gate: 'zone' | 'untracked' = 'zone';
  #renewal: Disposable | undefined;
  #ending = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get now(): Rules | undefined {
    return this.#now;
  }

  /** Which gate this kernel can have. */
  get gate(): 'zone' | 'untracked' {
    return this.#gate;
  }

  /** Changes them; what this kernel cannot have is left out, and the log says so. */
  async apply(rules: Rules, signal: AbortSignal): Promise<void> {
    const before = nameWays(this.#now);
    await this.#applyWhatCanBe(rules, signal);
    if (before === nameWays(this.#now)) return;
    try {
      await this.#deps.forgetDnsFlows(signal);
    } catch (error) {
      // The rules stand: only who has just asked goes on by the old way, for half a minute.
      signal.throwIfAborted();
      this.#deps.log.warning('old ways of names not forgotten', { reason: describe(error) });
    }
  }

  async #applyWhatCanBe(rules: Rules, signal: AbortSignal): Promise<void> {
    let refused: unknown;
    for (const some of lessAndLess(rules)) {
      try {
        await this.#change(some, signal);
      } catch (error) {
        if (!(error instanceof HostError && error.code === 'NftFailed')) throw error;
        refused = error;
        continue;
      }
      if (refused === undefined) return;
      const reason = describe(refused);
      if (some.gate !== rules.gate || some.apart !== rules.apart) {
        this.#gate = 'untracked';
        this.#deps.log.info('no zones of connection tracking', { reason });
      }
      if (some.bridges.length < rules.bridges.length) {
        this.#deps.log.warning('containers do not reach the cluster', { reason });
      }
      return;
    }
    throw refused;
  }

  async #change(rules: Rules, signal: AbortSignal): Promise<void> {
    const { table, clock } = this.#deps;
    const change = rulesChange(this.#now, rules);
    if (change.kind === 'table') await table.replace(change.body, signal);
    if (change.kind === 'elements') await table.update(change.changes, signal);
    this.#now = rules;
    if (nameWays(rules) === '') this.#stopRenewal();
    else this.#renewal ??= clock.every(renewMs, () => this.#renew());
  }

  /** As long as this happens every second the kernel goes on to redirect names. */
  #renew(): void {
    const { table, log } = this.#deps;
    const alive = { set: aliveSet, element: aliveElement, timeoutSeconds: aliveSeconds } as const;
    const signal = AbortSignal.timeout(stepMs);
    table.update([{ kind: 'refresh', ...alive }], signal).catch((error: unknown) => {
      if (!this.#ending) log.warning('names not renewed', { reason: describe(error) });
    });
  }

  #stopRenewal(): void {
    this.#renewal?.[Symbol.dispose]();
    this.#renewal = undefined;
  }

  /** No sign of life from now on: the table is about to go. */
  [Symbol.dispose](): void {
    this.#ending = true;
    this.#stopRenewal();
  }

  /** To be called once the table is gone. */
  async afterTable(signal: AbortSignal): Promise<void> {
    if (nameWays(this.#now) !== '') await this.#deps.forgetDnsFlows(signal);
  }
}

/**
 * What is tried one after the other, as kernels lack things. Zones of connection tracking are an option of
 * the kernel, and there is another gate; to refuse what only passes by, as bridges need, takes Linux 5.9,
 * and without it this machine alone reaches the cluster.
 */
function lessAndLess(rules: Rules): readonly Rules[] {
  const gate = rules.gate === 'zone' ? 'untracked' : rules.gate;
  const hasZones = rules.gate === 'zone' || rules.apart;
  const gates = hasZones ? [rules, { ...rules, gate, apart: false }] : [rules];
  if (rules.bridges.length === 0) return gates;
  return [...gates, ...lessAndLess({ ...rules, bridges: [] })];
}

/** Whose questions are redirected. */
function nameWays(rules: Rules | undefined): string {
  if (rules === undefined) return '';
  const bridges = namesOfBridges(rules) ? rules.bridges.map(({ device }) => device) : [];
  return [...(rules.names === undefined ? [] : ['own']), ...bridges].join(' ');
}
