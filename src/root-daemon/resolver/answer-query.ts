import { answerDnsQuery } from '#protocol/dns-answer.ts';
import { decodeDnsMessage, decodeDnsQuestion, dnsCodes } from '#protocol/dns-message.ts';

import type { ClusterAnswers } from './cluster-answers.ts';
import { whoseName, type NameRule } from './whose-name.ts';

/** Who decides about names, and who answers those of the cluster. */
export interface SplitNames {
  readonly rule: NameRule;
  readonly cluster: Pick<ClusterAnswers, 'ask'>;
}

/**
 * The cluster's answer to a query, or undefined when it is to go to the nameserver as it is:
 * because of its name, because the cluster says so, or because nobody can know in time.
 */
export async function answerFromCluster(
  { rule, cluster }: SplitNames,
  query: Buffer,
): Promise<Buffer | undefined> {
  const decoded = decodeDnsQuestion(query);
  if (decoded === undefined || decoded.header.response || decoded.header.opcode !== 0) {
    return undefined;
  }
  const owner = whoseName(rule, decoded.question);
  if (owner === 'outside') return undefined;
  const answer = await cluster.ask(query);
  switch (answer.kind) {
    case 'answer':
      return answer.message;
    case 'not-ours':
      return undefined;
    case 'silent':
    default:
      return owner === 'cluster' ? serverFailure(query) : undefined;
  }
}

function serverFailure(query: Buffer): Buffer | undefined {
  const message = decodeDnsMessage(query);
  return message && answerDnsQuery(message, { code: dnsCodes.serverFailure });
}
