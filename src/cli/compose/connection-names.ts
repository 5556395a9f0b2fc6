import type { Behaviors } from '#compose/behaviors.ts';
import { servicesThatAre } from '#compose/behaviors.ts';
import type { ComposeDocument } from '#compose/document.ts';
import { namesOfOthers, type ProjectNames } from '#compose/known-names.ts';
import type { RewrittenHandler } from '#compose/rewrite.ts';

/** A connection in whose network services of the project are. */
export interface NamedConnection {
  readonly name: string;
  readonly sandbox: string;
  /** Where a mapping says none. */
  readonly namespace: string;
}

/** What the daemon of one connection answers of the project's names. */
export function namesFor(
  connection: NamedConnection,
  of: {
    /** As it was before anything was rewritten. */
    readonly document: ComposeDocument;
    readonly behaviors: Behaviors;
    readonly handlers: readonly RewrittenHandler[];
    /** Address of a container of a connection, where others reach it. */
    readonly addressOf: (sandbox: string) => string;
    /** What `host-gateway` means. */
    readonly gateway: string | undefined;
  },
): ProjectNames {
  const { document, behaviors, handlers, addressOf, gateway } = of;
  const here = new Map(
    [...behaviors].filter(
      ([, said]) =>
        said.behavior !== 'remote' ||
        said.connection === undefined ||
        said.connection === connection.name,
    ),
  );
  // What is in the cluster of another connection is nobody's here.
  const remotes = servicesThatAre(document, behaviors, 'remote');
  const elsewhere = new Set(remotes.filter((one) => !here.has(one)));
  const kept = Object.entries(document.services).filter(([name]) => !elsewhere.has(name));
  const known = { ...document, services: Object.fromEntries(kept) };
  const { outside, mappings } = namesOfOthers(known, here, connection.namespace);
  const hosts = handlers
    .filter(({ sandbox }) => sandbox === connection.sandbox)
    .flatMap(({ moved }) => moved.hosts)
    .flatMap(([name, address]) => {
      const aliasFor = address === 'host-gateway' ? gateway : address;
      return aliasFor === undefined ? [] : [{ name, aliasFor }];
    });
  const said = new Set(hosts.map(({ name }) => name));
  return {
    outside: outside.filter((name) => !said.has(name)),
    mappings: [...hosts, ...mappings.filter(({ name }) => !said.has(name))],
    fallbacks: handlers.flatMap(({ names, sandbox }) => {
      const aliasFor = sandbox === connection.sandbox ? '127.0.0.1' : addressOf(sandbox);
      return names.map((name) => ({ name, aliasFor }));
    }),
  };
}
