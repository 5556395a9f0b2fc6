import { CliError } from '../errors.ts';
import { isOn, lastValue, type DockerOption, type DockerWords } from './docker-words.ts';
import type { ContainerPlace } from './place.ts';

/** The user's options, each where it belongs. */
export interface SortedOptions {
  /** For `docker run` itself. */
  readonly kept: readonly DockerOption[];
  /** `--publish`: what a container of ours is to publish for a handler that has no network of its own. */
  readonly published: readonly string[];
  /** What was left out, and why that changes nothing. */
  readonly notes: readonly string[];
}

/**
 * What becomes of the user's options in a container that joins another's network. Docker itself refuses
 * many of them, in words that say nothing of ours; each is named here with what to do instead.
 */
export function sortNetworkOptions(words: DockerWords, place: ContainerPlace): SortedOptions {
  const kept: DockerOption[] = [];
  const published: string[] = [];
  const notes: string[] = [];
  for (const option of words.options) {
    const { name, value } = option;
    if (name === 'publish') published.push(value);
    else if (name === 'expose') {
      notes.push(
        `--expose ${value} is left out: all ports of the container are open to that network`,
      );
    } else if (name === 'publish-all' && !isOn({ options: [option] }, name)) continue;
    else {
      const instead = refusals(place)[name];
      if (instead !== undefined && !isSame(option, place)) {
        throw refused(
          `--${name}`,
          `the container has no network of its own, but that of ${place.network}`,
          { hint: instead },
        );
      }
      if (name !== 'network') kept.push(option);
    }
  }
  return { kept, published, notes };
}

/** What becomes of them in a container with a network of its own: it is the user's. */
export function allKept({ options }: DockerWords): SortedOptions {
  return { kept: options, published: [], notes: [] };
}

/** What would have a handler's container live on without its intercept, which has its volumes. */
export function refuseWhatOutlives(words: DockerWords, whose = ''): void {
  if (isOn(words, 'detach')) {
    throw refused(
      `${whose}-d`,
      'the container runs in the foreground, and the intercept ends with it',
      {
        hint: 'leave it out; a container of its own life: telepresence intercept without --docker-run, telepresence docker-run -d',
      },
    );
  }
  if (lastValue(words, 'rm') !== undefined && !isOn(words, 'rm')) {
    throw refused(
      `${whose}--rm=false`,
      "it has the intercept's volumes, which go when it is gone",
      {
        hint: 'leave it out; docker commit keeps what a container has written',
      },
    );
  }
  const restart = lastValue(words, 'restart') ?? 'no';
  if (restart !== 'no' && restart !== '') {
    throw refused(`${whose}--restart ${restart}`, 'the intercept ends when the container does', {
      hint: 'leave it out',
    });
  }
}

/** What is asked for is what it gets. */
function isSame({ name, value }: DockerOption, place: { readonly network: string }): boolean {
  return name === 'network' && value === `container:${place.network}`;
}

/** Option → what to do instead. */
function refusals({ network }: { readonly network: string }): Readonly<Record<string, string>> {
  const own = 'give it to the connection: telepresence connect --docker --hostname NAME';
  const join = `have that network joined: docker network connect NETWORK ${network}`;
  return {
    network: join,
    'network-alias': `give it to the connection's container: docker network connect --alias NAME NETWORK ${network}`,
    link: `have the network of that container joined, then its name is known: docker network connect NETWORK ${network}`,
    hostname: own,
    domainname: own,
    dns: 'names of the cluster are known; others come from Docker, which asks the servers of the engine (dns in its daemon.json)',
    'dns-search': 'names of the connected namespace are known by their first part',
    'dns-option': 'leave it out',
    'add-host':
      'mount a file of your own: -v FILE:/etc/hosts:ro; or give the name to a Service: dns.mappings in config.yml',
    'mac-address': 'leave it out',
    ip: 'leave it out',
    ip6: 'leave it out',
    'link-local-ip': 'leave it out',
    'publish-all': 'name each port: -p PORT:PORT',
  };
}

function refused(flag: string, why: string, options: { readonly hint: string }): CliError {
  return new CliError('Usage', `${flag} is not possible: ${why}`, options);
}
