// Runs on the laptop: prints everything that the world outside says, as JSON, for comparing.
import { lookup, Resolver } from 'node:dns/promises';
import { describe, systemCode } from '#base/errors.ts';

const resolver = new Resolver({ timeout: 2000, tries: 1 });

const asked: Readonly<Record<string, () => Promise<unknown>>> = {
  address: () => resolver.resolve4('outside.example.com', { ttl: true }),
  twoLabels: () => resolver.resolve4('web.dev'),
  another: () => resolver.resolve4('api.app'),
  long: () => resolver.resolve4('long.chain.outside.test'),
  six: () => resolver.resolve6('six.outside.test'),
  noSix: () => resolver.resolve6('web.dev'),
  alias: () => resolver.resolveCname('alias.outside.test'),
  mail: () => resolver.resolveMx('outside.test'),
  text: () => resolver.resolveTxt('outside.test'),
  service: () => resolver.resolveSrv('_sip._tcp.outside.test'),
  soa: () => resolver.resolveSoa('outside.test'),
  pointer: () => resolver.reverse('203.0.113.10'),
  nothing: () => resolver.resolve4('nothing.outside.test'),
  nothingAtAll: () => resolver.resolve4('nothing.invalid'),
  noNameOfACluster: () => resolver.resolve4('hello.demo.svc.cluster.example'),
  glibc: () => lookup('outside.example.com', { all: true }),
  glibcAlias: () => lookup('alias.outside.test', { all: true }),
  glibcNothing: () => lookup('nothing.outside.test'),
};

const said = Object.entries(asked).map(async ([what, ask]) => {
  return [what, await ask().catch((error: unknown) => systemCode(error) ?? describe(error))];
});
console.log(JSON.stringify(Object.fromEntries(await Promise.all(said))));
