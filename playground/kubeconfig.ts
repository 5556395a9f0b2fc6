import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addresses, ports } from './addresses.ts';
import { authority, certify, type KeyPair, type Subject } from './certificates.ts';
import type { Layout } from './layout.ts';

/** The API server as laptops see it, and through the relays: 20 ms away, and that over 50 Mbit/s. */
export const servers = {
  direct: `https://${addresses.gateway}:${ports.api}`,
  delayed: `https://${addresses.gateway}:${ports.apiDelayed}`,
  narrow: `https://${addresses.gateway}:${ports.apiNarrow}`,
} as const;

/** The path of the kubeconfig called `name`. */
export function kubeconfigPath(layout: Layout, name: string): string {
  return join(layout.kubeconfigs, name);
}

/** A kubeconfig's text for a user proven by a certificate, which is made where there is none. */
export async function kubeconfigFor(
  layout: Layout,
  options: {
    readonly subject: Subject;
    readonly certificate: string;
    readonly server: string;
    /** Its `proxy-url`. */
    readonly proxy?: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const pair = await certify(layout, options.certificate, options);
  return render(layout, { ...options, pair });
}

/** Writes a kubeconfig under `name` and returns its path. */
export async function writeKubeconfig(layout: Layout, name: string, text: string): Promise<string> {
  const path = kubeconfigPath(layout, name);
  await mkdir(layout.kubeconfigs, { recursive: true });
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

async function render(
  layout: Layout,
  options: {
    readonly subject: Subject;
    readonly server: string;
    readonly proxy?: string | undefined;
    readonly pair: KeyPair;
  },
): Promise<string> {
  const base64 = async (path: string): Promise<string> => (await readFile(path)).toString('base64');
  const { user } = options.subject;
  const context = `${user}@playground-${layout.name}`;
  return `apiVersion: v1
kind: Config
clusters:
- name: playground-${layout.name}
  cluster:
    server: ${options.server}${options.proxy === undefined ? '' : `\n    proxy-url: ${options.proxy}`}
    certificate-authority-data: ${await base64(authority(layout).certificate)}
users:
- name: ${JSON.stringify(user)}
  user:
    client-certificate-data: ${await base64(options.pair.certificate)}
    client-key-data: ${await base64(options.pair.key)}
contexts:
- name: ${JSON.stringify(context)}
  context:
    cluster: playground-${layout.name}
    user: ${JSON.stringify(user)}
current-context: ${JSON.stringify(context)}
`;
}
