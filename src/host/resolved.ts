import { isDeepStrictEqual } from 'node:util';

import * as v from 'valibot';

import type { Clock } from '#base/clock.ts';

import { HostError } from './errors.ts';
import type { RunTool } from './run-tool.ts';

/** A domain that systemd-resolved sends to a link. */
export interface LinkDomain {
  readonly name: string;
  /** Not appended to names of a single label. */
  readonly routeOnly: boolean;
}

/** Which names systemd-resolved asks at a link, and whom. */
export interface LinkNames {
  /** A DNS server on 127.0.0.1, UDP and TCP. */
  readonly port: number;
  readonly domains: readonly LinkDomain[];
}

/**
 * The machine's systemd-resolved. What is set for a link is forgotten by it when the link disappears,
 * and remembered through its own restart.
 */
export interface Resolved {
  isRunning(signal: AbortSignal): Promise<boolean>;
  set(device: string, names: LinkNames, signal: AbortSignal): Promise<void>;
  /** Whether the link is as it was set; false too where nobody can say. */
  isSet(device: string, names: LinkNames, signal: AbortSignal): Promise<boolean>;
  revert(device: string, signal: AbortSignal): Promise<void>;
}

interface Deps {
  readonly runTool: RunTool;
  readonly clock: Pick<Clock, 'sleep'>;
}

/** More domains than these it refuses for one link. */
export const maxLinkDomains = 256;

const service = 'org.freedesktop.resolve1';
const servers = 'a(iayqs)';
const domainList = 'a(sb)';
const inet = 2;
const newLinkMs = 20;
const newLinkTries = 50;

const property = <T extends v.GenericSchema>(data: T) =>
  v.pipe(v.string(), v.parseJson(), v.object({ data }));
const serversProperty = property(
  v.array(v.tuple([v.number(), v.array(v.number()), v.number(), v.string()])),
);
const domainsProperty = property(v.array(v.tuple([v.string(), v.boolean()])));
const yes = property(v.tuple([v.boolean()]));
const path = property(v.tuple([v.string()]));
const linkList = v.pipe(v.string(), v.parseJson(), v.array(v.object({ ifindex: v.number() })));

/** By `busctl`, which is wherever systemd is. */
export function createResolved({ runTool, clock }: Deps): Resolved {
  const bus = (args: readonly string[], signal: AbortSignal): Promise<string> =>
    // Never started because of us: who has switched it off wants it off.
    runTool(
      { command: 'busctl', args: ['--system', '--json=short', '--auto-start=no', ...args] },
      signal,
    );
  const call = (args: readonly string[], signal: AbortSignal): Promise<string> =>
    bus(['call', service, '/org/freedesktop/resolve1', `${service}.Manager`, ...args], signal);
  const indexOf = async (device: string, signal: AbortSignal): Promise<string> => {
    const args = ['-j', 'link', 'show', 'dev', device];
    const [link] = understood(linkList, await runTool({ command: 'ip', args }, signal));
    return String(link?.ifindex ?? 0);
  };
  /** It hears of a new link a moment after us. */
  const untilKnown = async (index: string, signal: AbortSignal): Promise<string> => {
    for (let tries = 1; ; tries += 1) {
      try {
        const [found] = understood(path, await call(['GetLink', 'i', index], signal)).data;
        return found;
      } catch (error) {
        if (tries === newLinkTries) throw error;
        await clock.sleep(newLinkMs, signal);
      }
    }
  };

  return {
    async isRunning(signal) {
      const dbus = 'org.freedesktop.DBus';
      const question = [dbus, '/org/freedesktop/DBus', dbus, 'NameHasOwner', 's', service];
      try {
        return understood(yes, await bus(['call', ...question], signal)).data[0];
      } catch (error) {
        if (error instanceof HostError) return false;
        throw error;
      }
    },
    async set(device, names, signal) {
      const index = await indexOf(device, signal);
      await untilKnown(index, signal);
      const domains = names.domains.flatMap(({ name, routeOnly }) => [name, String(routeOnly)]);
      // What it is not to do there comes first: with its server the link begins to be asked.
      const calls = [
        ['SetLinkDefaultRoute', 'ib', index, 'false'],
        ['SetLinkLLMNR', 'is', index, 'no'],
        ['SetLinkMulticastDNS', 'is', index, 'no'],
        ['SetLinkDNSSEC', 'is', index, 'no'],
        ['SetLinkDNSOverTLS', 'is', index, 'no'],
        ['SetLinkDomains', `i${domainList}`, index, String(names.domains.length), ...domains],
        ['SetLinkDNSEx', `i${servers}`, index, '1', String(inet)].concat(
          ['4', '127', '0', '0', '1', String(names.port)],
          // No name for TLS.
          '',
        ),
      ];
      for (const one of calls) await call(one, signal);
    },
    async isSet(device, names, signal) {
      try {
        const link = await call(['GetLink', 'i', await indexOf(device, signal)], signal);
        const [object] = understood(path, link).data;
        const listed = ['DNSEx', 'Domains'];
        const printed = await bus(
          ['get-property', service, object, `${service}.Link`, ...listed],
          signal,
        );
        const [server = '', domains = ''] = printed.trim().split('\n');
        return (
          isDeepStrictEqual(understood(serversProperty, server).data, [
            [inet, [127, 0, 0, 1], names.port, ''],
          ]) &&
          isDeepStrictEqual(
            understood(domainsProperty, domains).data,
            names.domains.map(({ name, routeOnly }) => [name, routeOnly]),
          )
        );
      } catch (error) {
        if (error instanceof HostError) return false;
        throw error;
      }
    },
    async revert(device, signal) {
      await call(['RevertLink', 'i', await indexOf(device, signal)], signal);
    },
  };
}

function understood<T extends v.GenericSchema>(schema: T, printed: string): v.InferOutput<T> {
  const parsed = v.safeParse(schema, printed.trim());
  if (parsed.success) return parsed.output;
  throw new HostError('ToolFailed', 'busctl printed what is not understood', {
    cause: new v.ValiError(parsed.issues),
  });
}
