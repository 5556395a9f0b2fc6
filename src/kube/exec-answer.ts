import type { Readable } from 'node:stream';
import * as v from 'valibot';
import { KubeError } from './errors.ts';
import type { Credentials } from './cluster-access.ts';
import type { ExecEntry } from './kubeconfig-file.ts';
import { parseJson } from './status.ts';

// Programs in other languages write null for what there is not.
const text = v.nullish(v.string(), '');
const answerSchema = v.object({
  kind: v.literal('ExecCredential'),
  status: v.object({
    token: text,
    clientCertificateData: text,
    clientKeyData: text,
    expirationTimestamp: text,
  }),
});

const aheadMs = 30_000;
const longestBytes = 1024 * 1024;

/** What a credential plugin has printed, as credentials. */
export function credentialsFrom(
  stdout: string,
  plugin: Pick<ExecEntry, 'command' | 'args'>,
): Credentials {
  const wrong = (what: string): KubeError =>
    new KubeError('Unauthorized', `credential plugin ${plugin.command} printed ${what}`, {
      hint: `look at what it prints: ${[plugin.command, ...(plugin.args ?? [])].join(' ')}`,
    });
  const answer = v.safeParse(answerSchema, parseJson(stdout));
  if (!answer.success) throw wrong('no ExecCredential');
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = answer.output.status;
  if ((clientCertificateData === '') !== (clientKeyData === '')) {
    throw wrong('a client certificate or its key, not both');
  }
  if (token === '' && clientCertificateData === '') {
    throw wrong('an ExecCredential with neither token nor client certificate');
  }
  const expires = Date.parse(expirationTimestamp);
  return {
    cert: clientCertificateData === '' ? undefined : clientCertificateData,
    key: clientKeyData === '' ? undefined : clientKeyData,
    authorization: token === '' ? undefined : `Bearer ${token}`,
    refreshAt: Number.isNaN(expires) ? undefined : expires - aheadMs,
  };
}

/** All that a program prints, if it ends before that is too much to be credentials. */
export async function wholeOutput(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > longestBytes) throw new RangeError('it prints more than 1 MiB');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The last words of a program, on one line: why it failed stands at the end. */
export async function lastWords(stream: Readable): Promise<string> {
  let words = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) words = (words + String(chunk)).slice(-2000);
  return words
    .trim()
    .slice(-1000)
    .replaceAll(/\s*\n\s*/g, '; ');
}
