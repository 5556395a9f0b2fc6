import { isDeepStrictEqual } from 'node:util';

import { describe, toError } from '#base/errors.ts';
import type { RuleTable } from '#host/nft.ts';
import type { LinkNames } from '#host/resolved.ts';
import { formatSubnet } from '#host/subnets.ts';
import type { TunDevice } from '#host/tun.ts';
import { parseIp, type IpAddress, type Subnet } from '#protocol/ip-address.ts';

import { bridgeRules } from './bridges/bridge-rules.ts';
import { deviceSubnets, findConflict, refuseConflicts } from './device/conflicts.ts';
import { settle, type Settled } from './device/virtual-subnets.ts';
import { RootDaemonError } from './errors.ts';
import type { MachineDeps, MachineState } from './machine-parts.ts';
import { routedSubnets, type Plan } from './plan.ts';
import { linkDomains } from './resolver/link-domains.ts';
import type { NameService } from './resolver/name-service.ts';
import { chooseNameWay, type MachineResolver, type NameWay } from './resolver/name-way.ts';
import { HeldRules } from './rules/held-rules.ts';
import { asSubnet, rulesOf, type NameRules } from './rules/rules.ts';

/** Nobody listens who could be asked. */
const never = { arrived: new Promise<true>(() => {}), [Symbol.dispose]() {} };
const stepMs = 5000;

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
  readonly #rules: HeldRules;
  #plan: Plan | undefined;
  #settled: Settled | undefined;
  /** What the device carries. */
  #routed: readonly Subnet[] = [];
  #ending = false;

  private constructor(deps: MachineDeps, table: RuleTable, tun: TunDevice) {
    this.#deps = deps;
    this.#table = table;
    this.#rules = new HeldRules({ ...deps, table });
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
    const { bridges = [], bridgeNameservers = [] } = this.#rules.now ?? {};
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
    const upstream = resolver.resolved?.upstream ?? [];
    const spared = [...new Set([...resolver.nameservers, ...upstream, ...routes.defaultGateways])];
    const facts = { spared: spared.flatMap(address), gate: this.#rules.gate };
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
    await this.#rules.apply(rulesOf(plan, { ...facts, names, ...containers }), signal);
    this.#resolver = resolver;
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
    const { now } = this.#rules;
    if (now === undefined || this.#plan === undefined) return false;
    if (!isDeepStrictEqual({ ...this.#plan, ...none }, { ...plan, ...none })) return false;
    await this.#rules.apply({ ...now, openServices: plan.openServices }, signal);
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

  /** Rules first, so that nothing is redirected to somebody who is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    this.#rules[Symbol.dispose]();
    const failures: Error[] = [];
    const step = async (work: () => PromiseLike<unknown> | undefined): Promise<void> => {
      await Promise.resolve(work()).catch((error: unknown) => failures.push(toError(error)));
    };
    if (this.#link !== undefined) {
      const { resolved } = this.#deps;
      await step(() => resolved.revert(this.#tun.name, AbortSignal.timeout(stepMs)));
    }
    await step(() => this.#table.close());
    await step(() => this.#rules.afterTable(AbortSignal.timeout(stepMs)));
    await step(() => this.#names?.[Symbol.asyncDispose]());
    await step(() => this.#tun.close());
    this.#deps.log.info('machine as before', {
      trouble: failures.map(describe).join('; ') || undefined,
    });
  }
}

/** A link-local nameserver has a zone, which rules do not know. */
function address(text: string): IpAddress[] {
  const [bare = ''] = text.split('%');
  const parsed = parseIp(bare);
  return parsed === undefined ? [] : [parsed];
}
