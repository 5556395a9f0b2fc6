import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../images/command.ts';
import { authority } from '../playground/certificates.ts';
import { writeKubeconfig } from '../playground/kubeconfig.ts';
import type { Layout } from '../playground/layout.ts';

/** Kubeconfigs with one thing wrong each, by name; `good` is what they are made of. */
export function brokenKubeconfigs(good: string): Readonly<Record<string, string>> {
  const user = (lines: string): string =>
    good.replace(
      /( {2}user:\n) {4}client-certificate-data: .*\n {4}client-key-data: .*\n/,
      `$1${lines}`,
    );
  const plugin = (command: string, args: readonly string[]): string =>
    user(
      `    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n      command: ${command}\n      args: ${JSON.stringify(args)}\n`,
    );
  const claims = Buffer.from(JSON.stringify({ exp: 1_700_000_000 })).toString('base64url');
  return {
    'not-yaml': good.replace('users:', 'users: ['),
    'no-context': good.replace(/^current-context:.*$/m, ''),
    'other-context': good.replace(/^current-context:.*$/m, 'current-context: absent'),
    'no-server': good.replace(/^ {4}server: .*$/m, '    other: x'),
    'no-url': good.replace(/server: https:\/\//, 'server: '),
    'ca-file': good.replace(/certificate-authority-data: .*/, 'certificate-authority: ca.crt'),
    'no-base64': good.replace(/client-key-data: .*/, 'client-key-data: not-base64'),
    'no-pem': good.replace(/client-certificate-data: .*/, 'client-certificate-data: aGVsbG8K'),
    'other-ca': good.replace(/( {4}certificate-authority-data: ).*\n/, ''),
    'no-cluster': good.replace(/server: .*/, 'server: http://198.18.0.1:80'),
    'plugin-absent': plugin('no-such-plugin', []),
    'plugin-fails': plugin('sh', ['-c', 'echo your login has ended >&2; exit 1']),
    'plugin-babbles': plugin('echo', ['hello']),
    'token-wrong': user('    token: abc\n'),
    'token-old': user(`    token: eyJhbGciOiJub25lIn0.${claims}.x\n`),
    'no-credentials': user('    password: x\n'),
  };
}

/** Writes them where a laptop finds them by name. */
export async function writeBrokenKubeconfigs(layout: Layout, good: string): Promise<void> {
  const files = Object.entries({
    ...brokenKubeconfigs(good),
    'certificate-old': await withOldCertificate(layout, good),
  });
  await Promise.all(files.map(async ([name, text]) => await writeKubeconfig(layout, name, text)));
}

/** The same user, proven by the cluster's own authority, until yesterday. */
async function withOldCertificate(layout: Layout, good: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'telepresence-old-'));
  try {
    const [key, request, certificate] = ['key', 'csr', 'crt'].map((name) => join(directory, name));
    const ca = authority(layout);
    const signal = AbortSignal.timeout(20_000);
    const words = [
      `req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch -subj /O=system:masters/CN=kubernetes-admin -keyout ${key} -out ${request}`,
      `x509 -req -in ${request} -CA ${ca.certificate} -CAkey ${ca.key} -days -1 -out ${certificate}`,
    ];
    for (const line of words) await run(['openssl', ...line.split(' ')], { signal });
    const base64 = async (path = ''): Promise<string> => (await readFile(path)).toString('base64');
    return good
      .replace(
        /client-certificate-data: .*/,
        `client-certificate-data: ${await base64(certificate)}`,
      )
      .replace(/client-key-data: .*/, `client-key-data: ${await base64(key)}`);
  } finally {
    await rm(directory, { recursive: true });
  }
}
