import { servicesThatAre, type Behaviors } from './behaviors.ts';
import type { ComposeDocument } from './document.ts';

/** Names of the cluster are the daemon's to answer, and a `local` service asks Docker: a sentence for each that may want one. */
export function remotesUnknown(document: ComposeDocument, behaviors: Behaviors): readonly string[] {
  const remotes = new Set(servicesThatAre(document, behaviors, 'remote'));
  return servicesThatAre(document, behaviors, 'local').flatMap((name) => {
    const { depends_on: on = {}, links = [] } = document.services[name] ?? {};
    const linked = new Set(links.map((link) => link.split(':')[0]));
    return Object.keys(on)
      .filter((one) => remotes.has(one) && !linked.has(one))
      .map(
        (one) =>
          `service ${name} depends on ${one}, which is in the cluster and is known to handlers only: make ${name} an interceptHandler, or ${one} local, if it is called by that name`,
      );
  });
}
