import { isDeepStrictEqual } from 'node:util';

import type { Clock } from '#base/clock.ts';
import { describe, toError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { HostError } from '#host/errors.ts';
import type { Bridge } from '#host/bridges.ts';
import type { RuleTable } from '#host/nft.ts';
import type { LinkNames, Resolved } from '#host/resolved.ts';
import type { MachineRoutes } from '#host/routes.ts';
import { formatSubnet } from '#host/subnets.ts';
import type { TunDevice } from '#host/tun.ts';
import { parseIp, type IpAddress, type Subnet } from '#protocol/ip-address.ts';

import { bridgeRules } from './bridges/bridge-rules.ts';
import { deviceSubnets, findConflict, refuseConflicts } from './device/conflicts.ts';
import { settle, type Settled } from './device/virtual-subnets.ts';
import { RootDaemonError } from './errors.ts';
import { routedSubnets, type Plan } from './plan.ts';
import { linkDomains } from './resolver/link-domains.ts';
import type { DesiredNames, NameService } from './resolver/name-service.ts';
import { chooseNameWay, type MachineResolver, type NameWay } from './resolver/name-way.ts';
import { namesOfBridges } from './rules/bridge-text.ts';
import { rulesChange } from './rules/change.ts';
import { asSubnet, rulesOf, type NameRules, type Rules } from './rules/rules.ts';
import { aliveElement, aliveSeconds, aliveSet } from './rules/alive.ts';

/** What the machine is like because of us; undefined when it is as we found it. */
export interface MachineState {
  readonly plan: Plan;
  /** What has become of it here. */
  readonly settled: Settled;
  /** The splitter's address, and the nameserver it passes other names to. */
  readonly names: { readonly local: string; readonly nameserver: string | undefined } | undefined;
  /** What is done for containers, and by whom it is known that it works. */
  readonly containers: Pick<Rules, 'bridges' | 'bridgeNameservers'> & Pick<NameService, 'expect'>;
}

/** The parts of the machine, as main.ts builds them. */
export interface MachineDeps {
  readonly clock: Clock;
  readonly log: Logger;
  openTable(signal: AbortSignal): Promise<RuleTable>;
  openTun(signal: AbortSignal): Promise<TunDevice>;
  startNames(desired: DesiredNames, signal: AbortSignal): Promise<NameService>;
  readResolver(signal: AbortSignal): Promise<MachineResolver>;
  readonly resolved: Pick<Resolved, 'set' | 'isSet' | 'revert'>;
  readRoutes(signal: AbortSignal): Promise<MachineRoutes>;
  /** Service addresses of a cluster on this machine. */
  readKubeProxy(signal: AbortSignal): Promise<readonly IpAddress[]>;
  readBridges(signal: AbortSignal): Promise<readonly Bridge[]>;
  forgetDnsFlows(signal: AbortSignal): Promise<boolean>;
}

/** Nobody listens who could be asked. */
const never = { arrived: new Promise<true>(() => {}), [Symbol.dispose]() {} };
const stepMs = 5000;
const renewMs = 1000;

/** All that we hold of the machine, from the first change to the last. */
export class Held implements AsyncDisposable {
  readonly #deps: MachineDeps;
  readonly #table: RuleTable;
  readonly #tun: TunDevice;
  /** Settles when nft is gone though we did not end it. */
  readonly lost: Promise<RootDaemonError>;
  #resolver: MachineResolver | undefined;
  /** What systemd-resolved was told. */
  #link: LinkNames | undefined;
  #linkRefused = false;
  #names: NameService | undefined;
  #rules: Rules | undefined;
  #gate: 'zone' | 'untracked' = 'zone';
  #plan: Plan | undefined;
  #settled: Settled | undefined;
  /** What the device carries. */
  #routed: readonly Subnet[] = [];
  #renewal: Disposable | undefined;
  #ending = false;

  private constructor(deps: MachineDeps, table: RuleTable, tun: TunDevice) {
    this.#deps = deps;
    this.#table = table;
    this.#tun = tun;
    const lost = Promise.withResolvers<RootDaemonError>();
    this.lost = lost.promise;
    void table.gone.then((words) => {
      if (this.#ending) return;
      const message = 'nft ended, and our rules with it';
      lost.resolve(new RootDaemonError('TableLost', message, { cause: new Error(words) }));
    });
  }

  /** Takes hold, and changes nothing yet that could be noticed. */
  static async open(deps: MachineDeps, signal: AbortSignal): Promise<Held> {
    await using stack = new AsyncDisposableStack();
    const table = stack.use(await deps.openTable(signal));
    const tun = stack.use(await deps.openTun(signal));
    const held = new Held(deps, table, tun);
    stack.move();
    return held;
  }

  get state(): MachineState | undefined {
    if (this.#plan === undefined || this.#settled === undefined) return undefined;
    const names = this.#names && {
      local: `127.0.0.1:${this.#names.port}`,
      nameserver: this.#names.nameserver,
    };
    const { bridges = [], bridgeNameservers = [] } = this.#rules ?? {};
    const expect: NameService['expect'] = (token) => this.#names?.expect(token) ?? never;
    const containers = { bridges, bridgeNameservers, expect };
    return { plan: this.#plan, settled: this.#settled, names, containers };
  }

  /** Routes first, rules last: nothing is redirected before there is somebody to take it. */
  async apply(desired: Plan, signal: AbortSignal): Promise<void> {
    const [resolver, routes, kubeProxy] = await Promise.all([
      this.#deps.readResolver(signal),
      this.#deps.readRoutes(signal),
      this.#deps.readKubeProxy(signal),
    ]);
    const before = nameWays(this.#rules);
    const upstream = resolver.resolved?.upstream ?? [];
    const spared = [...new Set([...resolver.nameservers, ...upstream, ...routes.defaultGateways])];
    const facts = { spared: spared.flatMap(address), gate: this.#gate };
    const reached = {
      routes: routes.routes.filter(({ device }) => device !== this.#tun.name),
      kubeProxy,
      allowed: desired.mayConflict,
    };
    const settled = settle(desired, {
      ...reached,
      spared: [...facts.spared, ...desired.sparedPorts.map((one) => one.address)].map(asSubnet),
      before: this.#settled,
    });
    const { plan } = settled;
    const subnets = deviceSubnets(rulesOf(plan, { ...facts, names: undefined }));
    if (!plan.allowConflicts) refuseConflicts(subnets, reached);
    let way = this.#wayOf(resolver);
    await this.#applyNames(plan, way, signal);
    await this.#tun.apply({ subnets, addressed: way.byLink && plan.names !== undefined }, signal);
    if (!(await this.#applyLink(plan, way, signal))) {
      way = this.#wayOf(resolver);
      await this.#applyNames(plan, way, signal);
    }
    const names = plan.names && this.#redirection(way);
    const asked = { plan, resolver, names: plan.names && this.#names };
    const containers = await bridgeRules(this.#deps, asked, signal);
    await this.#applyRules(rulesOf(plan, { ...facts, names, ...containers }), signal);
    this.#resolver = resolver;
    if (before !== nameWays(this.#rules)) await this.#deps.forgetDnsFlows(signal);
    this.#plan = desired;
    this.#settled = settled;
    this.#routed = subnets;
    this.#deps.log.info('machine changed', {
      subnets: subnets.map(formatSubnet).join(' '),
      virtual: settled.virtual.map((one) => formatSubnet(one.subnet)).join(' ') || undefined,
    });
  }

  /** Whether this machine has come to use itself, a VPN's for example, what it should leave alone then. */
  async hasNewConflict(signal: AbortSignal): Promise<boolean> {
    if (this.#plan?.avoidConflicts !== true || this.#settled === undefined) return false;
    const { routes } = await this.#deps.readRoutes(signal);
    const reached = {
      routes: routes.filter(({ device }) => device !== this.#tun.name),
      kubeProxy: [],
      allowed: this.#plan.mayConflict,
    };
    return this.#routed.some((subnet) => findConflict(subnet, reached) !== undefined);
  }

  /**
   * Services come and go all the time: when nothing else is different the machine is not looked at
   * again. False when something is.
   */
  async applyServices(plan: Plan, signal: AbortSignal): Promise<boolean> {
    const none = { openServices: [] };
    if (this.#rules === undefined || this.#plan === undefined) return false;
    if (!isDeepStrictEqual({ ...this.#plan, ...none }, { ...plan, ...none })) return false;
    await this.#applyRules({ ...this.#rules, openServices: plan.openServices }, signal);
    this.#plan = plan;
    return true;
  }

  /** Whether names are resolved in another way by now, or somebody took from us what we set. */
  async hasOtherResolver(signal: AbortSignal): Promise<boolean> {
    if (!isDeepStrictEqual(await this.#deps.readResolver(signal), this.#resolver)) return true;
    if (this.#link === undefined) return false;
    return !(await this.#deps.resolved.isSet(this.#tun.name, this.#link, signal));
  }

  #wayOf(resolver: MachineResolver): NameWay {
    return chooseNameWay(this.#linkRefused ? { ...resolver, resolved: undefined } : resolver);
  }

  async #applyNames(plan: Plan, { upstream }: NameWay, signal: AbortSignal): Promise<void> {
    if (plan.names === undefined) return;
    const rule = { ...plan.names, subnets: routedSubnets(plan) };
    const desired = { rule, nameservers: upstream };
    if (this.#names === undefined) this.#names = await this.#deps.startNames(desired, signal);
    else this.#names.apply(desired);
  }

  /** False when systemd-resolved does not take it: names are then redirected for as long as we hold. */
  async #applyLink(plan: Plan, way: NameWay, signal: AbortSignal): Promise<boolean> {
    const { resolved, log } = this.#deps;
    if (!way.byLink || plan.names === undefined || this.#names === undefined) {
      const before = this.#link;
      this.#link = undefined;
      // It may be gone, which is why.
      if (before !== undefined) await resolved.revert(this.#tun.name, signal).catch(() => {});
      return true;
    }
    const domains = linkDomains({ ...plan.names, subnets: routedSubnets(plan) });
    const wanted = { port: this.#names.port, domains };
    try {
      if (!(await resolved.isSet(this.#tun.name, wanted, signal))) {
        await resolved.set(this.#tun.name, wanted, signal);
      }
      this.#link = wanted;
      return true;
    } catch (error) {
      signal.throwIfAborted();
      this.#link = undefined;
      this.#linkRefused = true;
      await resolved.revert(this.#tun.name, signal).catch(() => {});
      log.warning('names are redirected instead: systemd-resolved does not take our link', {
        reason: describe(error),
      });
      return false;
    }
  }

  #redirection(way: NameWay): NameRules | undefined {
    const names = this.#names;
    if (names === undefined) return undefined;
    const nameservers = way.redirected
      .flatMap(address)
      .filter(({ family }) => family === 4 || names.ipv6);
    return nameservers.length === 0 ? undefined : { nameservers, port: names.port };
  }

  async #applyRules(rules: Rules, signal: AbortSignal): Promise<void> {
    try {
      await this.#changeRules(rules, signal);
    } catch (error) {
      // Zones of connection tracking are an option of the kernel.
      const refused = error instanceof HostError && error.code === 'NftFailed';
      if (!refused) throw error;
      // To refuse what only passes by needs Linux 5.9: this machine itself does without.
      if (rules.bridges.length > 0) {
        await this.#applyRules({ ...rules, bridges: [] }, signal);
        this.#deps.log.warning('containers do not reach the cluster', { reason: describe(error) });
        return;
      }
      if (!(rules.gate === 'zone' || rules.apart)) throw error;
      const gate = rules.gate === 'zone' ? 'untracked' : rules.gate;
      await this.#changeRules({ ...rules, gate, apart: false }, signal);
      this.#gate = 'untracked';
      this.#deps.log.info('no zones of connection tracking', { reason: describe(error) });
    }
  }

  async #changeRules(rules: Rules, signal: AbortSignal): Promise<void> {
    const change = rulesChange(this.#rules, rules);
    if (change.kind === 'table') await this.#table.replace(change.body, signal);
    if (change.kind === 'elements') await this.#table.update(change.changes, signal);
    this.#rules = rules;
    if (nameWays(rules) === '') this.#stopRenewal();
    else this.#renewal ??= this.#deps.clock.every(renewMs, () => this.#renew());
  }

  /** As long as this happens every second the kernel goes on to redirect names. */
  #renew(): void {
    const alive = { set: aliveSet, element: aliveElement, timeoutSeconds: aliveSeconds } as const;
    const signal = AbortSignal.timeout(stepMs);
    this.#table.update([{ kind: 'refresh', ...alive }], signal).catch((error: unknown) => {
      if (!this.#ending) this.#deps.log.warning('names not renewed', { reason: describe(error) });
    });
  }

  #stopRenewal(): void {
    this.#renewal?.[Symbol.dispose]();
    this.#renewal = undefined;
  }

  /** Rules first, so that nothing is redirected to somebody who is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    this.#stopRenewal();
    const failures: Error[] = [];
    const step = async (work: () => PromiseLike<unknown> | undefined): Promise<void> => {
      await Promise.resolve(work()).catch((error: unknown) => failures.push(toError(error)));
    };
    if (this.#link !== undefined) {
      const { resolved } = this.#deps;
      await step(() => resolved.revert(this.#tun.name, AbortSignal.timeout(stepMs)));
    }
    await step(() => this.#table.close());
    if (nameWays(this.#rules) !== '') {
      await step(() => this.#deps.forgetDnsFlows(AbortSignal.timeout(stepMs)));
    }
    await step(() => this.#names?.[Symbol.asyncDispose]());
    await step(() => this.#tun.close());
    this.#deps.log.info('machine as before', {
      trouble: failures.map(describe).join('; ') || undefined,
    });
  }
}

/** Whose questions are redirected. */
function nameWays(rules: Rules | undefined): string {
  if (rules === undefined) return '';
  const bridges = namesOfBridges(rules) ? rules.bridges.map(({ device }) => device) : [];
  return [...(rules.names === undefined ? [] : ['own']), ...bridges].join(' ');
}

/** A link-local nameserver has a zone, which rules do not know. */
function address(text: string): IpAddress[] {
  const [bare = ''] = text.split('%');
  const parsed = parseIp(bare);
  return parsed === undefined ? [] : [parsed];
}
