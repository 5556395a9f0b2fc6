import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { withDeadline } from '#base/wait.ts';
import { run } from '../images/command.ts';
import { clusterEnvironment } from '../playground/environment.ts';
import type { Layout } from '../playground/layout.ts';
import { loadImage } from '../playground/load.ts';
import { runIn } from '../playground/machine.ts';
import type { Machine } from '../playground/machine.ts';
import { BenchError } from './error.ts';
import { assembleLabImage, labImage } from './lab-image.ts';
import { fairShare, labManifests, labNamespace } from './lab-manifests.ts';
import { bundlePodPrograms } from './pod-programs.ts';

const podNames = ['client', 'relay', 'target'] as const;

interface LabDeps {
  readonly layout: Layout;
  readonly cluster: Machine;
  readonly progress: (line: string) => void;
}

/** The pods of a bench, ready. */
export interface Lab {
  readonly targetIp: string;
}

/** Brings the lab's pods to the present programs; does nothing where they run them already. */
export async function prepareLab(deps: LabDeps, signal: AbortSignal): Promise<Lab> {
  const programs = await bundlePodPrograms();
  const hash = createHash('sha256').update(labImage).update(JSON.stringify(fairShare));
  for (const [name, text] of programs) hash.update(name).update(text);
  const version = hash.digest('hex').slice(0, 16);
  const found = await readyLab(deps, version, signal);
  if (found !== undefined) return found;
  deps.progress('starting pods');
  await ensureImage(deps, signal);
  await kubectl(deps, ['delete', 'pod', '--namespace', labNamespace, '--all', '--now'], signal);
  const tls = await makeCertificate(signal);
  const objects = labManifests({ image: labImage, programs, tls, version });
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  // Namespace first: a list is applied in order.
  await kubectl(deps, ['apply', '-f', '-'], signal, JSON.stringify(list));
  return withDeadline(
    { clock: systemClock },
    { ms: 60_000, what: 'pods of the bench', signal },
    async (limited) => {
      for (;;) {
        const lab = await readyLab(deps, version, limited);
        if (lab !== undefined) return lab;
        await systemClock.sleep(500, limited);
      }
    },
  );
}

async function readyLab(
  deps: LabDeps,
  version: string,
  signal: AbortSignal,
): Promise<Lab | undefined> {
  const fields = ['.metadata.name', '.metadata.labels.version', '.status.podIP'];
  const ready = '.status.conditions[?(@.type=="Ready")].status';
  const row = [...fields, ready].map((path) => `{${path}}`).join(' ');
  const template = `jsonpath={range .items[*]}${row}{"\\n"}{end}`;
  const words = ['get', 'pods', '--namespace', labNamespace, '--output', template];
  const lines = (await kubectl(deps, words, signal)).trim().split('\n');
  const pods = lines.map((line) => line.split(' '));
  const isReady = (name: string): boolean =>
    pods.some((pod) => pod[0] === name && pod[1] === version && pod[3] === 'True');
  const targetIp = pods.find(([name]) => name === 'target')?.[2];
  return podNames.every(isReady) && targetIp !== undefined ? { targetIp } : undefined;
}

async function ensureImage(deps: LabDeps, signal: AbortSignal): Promise<void> {
  const list = ['ctr', '--namespace=k8s.io', 'images', 'ls', '-q'];
  const { stdout } = await runIn(deps.cluster, list, {
    env: clusterEnvironment(deps.layout, process.env),
    signal,
  });
  if (stdout.includes(`docker.io/${labImage}\n`)) return;
  deps.progress('assembling the image');
  const { cache } = deps.layout;
  const tar = await assembleLabImage({ cache, node: process.execPath }, signal);
  await loadImage(deps.cluster, tar, signal);
}

/** The API server does not check it: any will do. */
async function makeCertificate(
  signal: AbortSignal,
): Promise<{ readonly key: string; readonly certificate: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    const [key, certificate] = [join(directory, 'key'), join(directory, 'crt')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    const files = ['-keyout', key, '-out', certificate];
    const subject = ['-subj', '/CN=relay', '-days', '3650'];
    await run(['openssl', 'req', '-x509', '-nodes', ...curve, ...files, ...subject], { signal });
    return { key: await readFile(key, 'utf8'), certificate: await readFile(certificate, 'utf8') };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function kubectl(
  deps: LabDeps,
  words: readonly string[],
  signal: AbortSignal,
  input?: string,
): Promise<string> {
  const env = clusterEnvironment(deps.layout, process.env);
  const argv = ['kubectl', ...words];
  const result = await runIn(deps.cluster, argv, {
    env,
    signal,
    ...(input === undefined ? {} : { input }),
  }).catch((cause: unknown) => {
    throw new BenchError('NotReady', 'the lab cannot be brought up', { cause });
  });
  return result.stdout;
}
