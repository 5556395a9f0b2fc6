import type { ComposeDocument } from './document.ts';
import type { RewrittenHandler } from './rewrite.ts';

/** A network that a daemon's container is to be in while the project runs. */
export interface Attachment {
  readonly sandbox: string;
  /** As Docker knows it. */
  readonly network: string;
  /** The names of the handlers there. */
  readonly aliases: readonly string[];
  readonly address: string | undefined;
  readonly address6: string | undefined;
}

/**
 * The networks that handlers were in. One that nobody else of the project is in is not made by Compose,
 * and nobody is missed there.
 */
export function attachments(
  document: ComposeDocument,
  handlers: readonly RewrittenHandler[],
  /** Where the daemons' containers are anyhow. */
  network: string,
): readonly Attachment[] {
  const inUse = new Set(
    Object.values(document.services).flatMap(({ networks }) => Object.keys(networks ?? {})),
  );
  const found = new Map<string, Attachment>();
  for (const { sandbox, names, moved } of handlers) {
    for (const { key, address, address6 } of moved.networks) {
      const resource = document.networks[key];
      const name = resource?.name ?? `${document.name}_${key}`;
      if (name === network || (resource?.external !== true && !inUse.has(key))) continue;
      const before = found.get(`${sandbox} ${name}`);
      found.set(`${sandbox} ${name}`, {
        sandbox,
        network: name,
        aliases: [...new Set([...(before?.aliases ?? []), ...names])],
        address: before?.address ?? address,
        address6: before?.address6 ?? address6,
      });
    }
  }
  return [...found.values()];
}

/** A container has one address in a network: what was written for a second handler there is not heeded. */
export function addressesLeftOut(handlers: readonly RewrittenHandler[]): readonly string[] {
  const first = new Map<string, { readonly service: string; readonly address: string }>();
  const notes: string[] = [];
  for (const { service, sandbox, moved } of handlers) {
    for (const { key, address: four, address6: six } of moved.networks) {
      for (const [family, address] of [
        ['4', four],
        ['6', six],
      ]) {
        if (address === undefined) continue;
        const place = [sandbox, key, family].join(' ');
        const before = first.get(place);
        if (before === undefined) first.set(place, { service, address });
        else if (before.address !== address) {
          notes.push(
            `service ${service}: its address ${address} in the network ${key} is left out: both handlers there have that of ${before.service}, ${before.address}`,
          );
        }
      }
    }
  }
  return notes;
}

/** The profiles of all services that are left: each is wanted, or it would not be. */
export function profilesOf({ services }: ComposeDocument): readonly string[] {
  return [...new Set(Object.values(services).flatMap(({ profiles = [] }) => profiles))];
}
