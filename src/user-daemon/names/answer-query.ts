import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { answerDnsQuery, type DnsReply } from '#protocol/dns-answer.ts';
import {
  decodeDnsMessage,
  dnsCodes,
  encodeDnsMessage,
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
} from '#protocol/dns-message.ts';
import { containerSearch, withoutContainerSearch } from '#protocol/container-search.ts';
import { splitName } from '#protocol/dns-name.ts';
import { classInternet, dnsTypes, type DnsData } from '#protocol/dns-record.ts';
import type { VirtualAddresses } from '#protocol/virtual/addresses.ts';
import type { ClusterNames, NameScope } from './cluster-names.ts';
import { meantName, shownData } from './virtual-names.ts';
import { resolveMapped, type NameMapping } from './resolve-mapped.ts';
import { resolveName, type NameQuestion, type NameRecord } from './resolve-name.ts';

interface Deps {
  readonly log: Logger;
  readonly names: ClusterNames;
  readonly scope: NameScope;
  /** Names that stand for others, or for addresses. */
  readonly mappings: readonly NameMapping[];
  /** The same for names that the cluster does not know. */
  readonly fallbacks: readonly NameMapping[];
  /** Which addresses programs here know by others. */
  readonly virtual: Pick<VirtualAddresses, 'active' | 'shown' | 'meant' | 'isVirtual'>;
  /** Asks the cluster's DNS. */
  readonly lookup: (query: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;
}

/** A query with its one question. */
interface Asked {
  readonly query: DnsMessage;
  readonly question: DnsQuestion;
  /** Lower case. */
  readonly labels: readonly string[];
}

/** Short enough that a Service made anew is found at once. */
const ttlSeconds = 5;
/** The weight that CoreDNS gives a single target. */
const srvWeight = 100;

/**
 * The answer to a raw query; REFUSED says that the name is not the cluster's. Undefined where the
 * bytes are no query.
 */
export async function answerQuery(
  deps: Deps,
  bytes: Buffer,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const answer = await answerAsAsked(deps, bytes, signal);
  if (answer === undefined || codeOf(answer) !== dnsCodes.refused) return answer;
  const query = decodeDnsMessage(bytes);
  const instead = query && fallbackAnswer(deps, query);
  if (instead !== undefined) return instead;
  const name = query?.questions[0]?.name.toLowerCase() ?? '';
  const isSearched = name === containerSearch || withoutContainerSearch(name) !== undefined;
  // Nobody else knows it.
  return isSearched && query ? answerDnsQuery(query, { code: dnsCodes.nameError }) : answer;
}

/** What a name means that is nobody's in the cluster. */
function fallbackAnswer(deps: Deps, query: DnsMessage): Buffer | undefined {
  const question = query.questions[0];
  if (question?.class !== classInternet || query.opcode !== 0) return undefined;
  const labels = splitName(question.name.toLowerCase());
  const asked = { labels, type: questionType(question.type) };
  const answer = resolveMapped(deps.names, deps.scope, deps.fallbacks, asked);
  if (answer?.kind !== 'records') return undefined;
  const answers = answer.records.map((record) => recordFor(question, record));
  return answerDnsQuery(query, { code: dnsCodes.noError, answers });
}

function recordFor({ name }: DnsQuestion, record: NameRecord): DnsRecord {
  return { name, class: classInternet, ttlSeconds, data: recordData(record) };
}

function codeOf(answer: Buffer): number {
  return answer.readUInt16BE(2) & 15;
}

async function answerAsAsked(
  deps: Deps,
  bytes: Buffer,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const query = decodeDnsMessage(bytes);
  const question = query?.questions[0];
  if (query === undefined || question === undefined || query.response) return undefined;
  const say = (code: number, records: readonly NameRecord[] = []): Buffer =>
    shownAnswer(deps, query, {
      code,
      answers: records.map((record) => recordFor(question, record)),
    });
  if (query.opcode !== 0 || question.class !== classInternet) return say(dnsCodes.refused);
  const lower = question.name.toLowerCase();
  const typed = splitName(withoutContainerSearch(lower) ?? lower);
  const meant = meantName(deps.virtual, typed);
  if (meant.kind === 'nobodys') return say(dnsCodes.nameError);
  const labels = meant.kind === 'real' ? meant.labels : typed;
  const asked = { labels, type: questionType(question.type) };
  const answer =
    resolveMapped(deps.names, deps.scope, deps.mappings, asked) ??
    resolveName(deps.names, deps.scope, asked);
  switch (answer.kind) {
    case 'notOurs':
      // Behind a virtual address is always something that the cluster was asked for.
      if (meant.kind === 'real') {
        return await askCluster(deps, { query, question, labels }, { full: labels, signal });
      }
      return say(dnsCodes.refused);
    case 'noSuchName':
      return say(dnsCodes.nameError);
    case 'records':
      return say(dnsCodes.noError, answer.records);
    case 'ask':
      return await askCluster(deps, { query, question, labels }, { full: answer.labels, signal });
    default:
      return answer satisfies never;
  }
}

/** Asks for the full name, and answers for the name that was asked. */
async function askCluster(
  deps: Deps,
  { query, question, labels }: Asked,
  options: { readonly full: readonly string[]; readonly signal: AbortSignal },
): Promise<Buffer> {
  const full = options.full.join('.');
  try {
    const asked = encodeDnsMessage({
      ...query,
      recursionDesired: true,
      questions: [{ ...question, name: full }],
    });
    const raw = await deps.lookup(asked, options.signal);
    const answer = decodeDnsMessage(Buffer.from(raw));
    if (answer?.response !== true) return answerDnsQuery(query, { code: dnsCodes.serverFailure });
    // A short name that the cluster does not know may be the world's; one that ends in svc may not.
    const isShort = full !== labels.join('.') && labels.at(-1) !== 'svc';
    if (answer.code === dnsCodes.nameError && isShort) {
      return answerDnsQuery(query, { code: dnsCodes.refused });
    }
    const renamed = (record: DnsRecord): DnsRecord =>
      record.name.toLowerCase() === full ? { ...record, name: question.name } : record;
    return shownAnswer(deps, query, {
      code: answer.code,
      answers: answer.answers.map(renamed),
      authorities: answer.authorities,
    });
  } catch (error) {
    deps.log.debug('lookup failed', { name: full, reason: describe(error) });
    return answerDnsQuery(query, { code: dnsCodes.serverFailure });
  }
}

/** The answer with addresses that are routed here. */
function shownAnswer(
  { log, virtual }: Pick<Deps, 'log' | 'virtual'>,
  query: DnsMessage,
  answer: DnsReply & { readonly answers: readonly DnsRecord[] },
): Buffer {
  if (!virtual.active) return answerDnsQuery(query, answer);
  const answers: DnsRecord[] = [];
  for (const record of answer.answers) {
    const data = shownData(virtual, record.data);
    if (data === undefined) {
      log.warning('all virtual addresses are in use: a larger routing.virtualSubnet is needed', {
        name: record.name,
      });
      return answerDnsQuery(query, { code: dnsCodes.serverFailure });
    }
    answers.push({ ...record, data });
  }
  return answerDnsQuery(query, { ...answer, answers });
}

function recordData(record: NameRecord): DnsData {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { kind: record.type, address: record.address };
    case 'PTR':
      return { kind: 'PTR', target: record.target };
    case 'SRV':
      return {
        kind: 'SRV',
        priority: 0,
        weight: srvWeight,
        port: record.port,
        target: record.target,
      };
    default:
      return record satisfies never;
  }
}

const types: ReadonlyMap<number, NameQuestion['type']> = new Map([
  [dnsTypes.A, 'A'],
  [dnsTypes.AAAA, 'AAAA'],
  [dnsTypes.PTR, 'PTR'],
  [dnsTypes.SRV, 'SRV'],
]);

function questionType(type: number): NameQuestion['type'] {
  return types.get(type) ?? 'other';
}
