import { basename, join } from 'node:path';
import { CodedError } from '#base/errors.ts';
import { run } from '../../images/command.ts';
import { cacheFrom } from '../../images/cache.ts';
import { assembleOurImage } from '../../images/telepresence.ts';
import { demoManifests, demoNamespace } from '../../playground/demo-app.ts';
import { assembleDemoImages } from '../../playground/demo-images.ts';
import type { Progress } from '../../playground/progress.ts';
import type { Site } from './site.ts';

class OwnClusterError extends CodedError<'NoWayForImages'> {}

const repository = new URL('../..', import.meta.url).pathname;

interface OwnClusterDeps {
  readonly context: string;
  readonly registry: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
}

/** A cluster of the user's own kubeconfig; the laptop is this machine. */
export function ownClusterSite(deps: OwnClusterDeps): Site {
  const { context, registry, env, progress } = deps;
  const flags = ['--context', context];
  const kubectl: Site['kubectl'] = (argv, options) =>
    run(['kubectl', ...flags, ...argv], { ...options, env });
  const words = (argv: readonly string[]): readonly string[] =>
    argv[0] === 'telepresence' ? [join(repository, 'bin/telepresence'), ...argv.slice(1)] : argv;
  return {
    description: `the cluster of context ${context}`,
    installFlags: ['--set', `image.registry=${registry ?? 'telepresence'}`, ...flags],
    clusterFlags: flags,
    async prepare(signal) {
      progress('bundling');
      await run([process.execPath, 'tools/bundle.ts'], { cwd: repository, signal, env });
      const images = await assembleImages(deps, signal);
      for (const tar of images) {
        progress(`giving the cluster ${basename(tar)}`);
        await run(await loaderOf(deps, tar, signal), { signal, env });
      }
      progress('applying the demo application');
      const manifests = await demoManifests();
      const input =
        registry === undefined ? manifests : manifests.replaceAll('playground/', `${registry}/`);
      await run(['kubectl', ...flags, 'apply', '--filename', '-'], { signal, env, input });
      const ready = ['--for=condition=Ready', '--timeout=180s'];
      await kubectl(['wait', '--namespace', demoNamespace, ...ready, 'pods', '--all'], { signal });
    },
    laptop: (argv, options) => run(words(argv), { ...options, env }),
    laptopCommand: async (argv) => ({ argv: words(argv), env: { ...env } }),
    kubectl,
    async cleanUp(signal) {
      progress('removing the demo application');
      await kubectl(['delete', 'namespace', demoNamespace, '--ignore-not-found'], { signal });
    },
  };
}

async function assembleImages(
  deps: OwnClusterDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { env, progress } = deps;
  const options = { cache: cacheFrom(env), env, node: process.execPath, progress, repository };
  const ours = await assembleOurImage(options, 'tel2', signal);
  const applets = (await run(['busybox', '--list'], { signal })).stdout.trim().split('\n');
  return [ours.tar, ...(await assembleDemoImages({ ...options, applets }, signal))];
}

/** The command that brings an image's tar to where the cluster's nodes find it. */
async function loaderOf(
  deps: OwnClusterDeps,
  tar: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { context, registry, env } = deps;
  if (registry !== undefined) return await pushing(registry, tar, { env, signal });
  if (context.startsWith('kind-')) {
    return ['kind', 'load', 'image-archive', tar, '--name', context.slice('kind-'.length)];
  }
  if (context.startsWith('k3d-')) {
    return ['k3d', 'image', 'import', tar, '--cluster', context.slice('k3d-'.length)];
  }
  if (context === 'minikube') return ['minikube', 'image', 'load', tar];
  throw new OwnClusterError(
    'NoWayForImages',
    `context ${context} is not kind, k3d or minikube: name a registry that its nodes pull from: --registry HOST/PATH`,
  );
}

async function pushing(
  registry: string,
  tar: string,
  options: Parameters<typeof run>[1],
): Promise<readonly string[]> {
  const { stdout } = await run(['docker', 'load', '--input', tar], options);
  const name = /Loaded image: (?<name>\S+)/.exec(stdout)?.groups?.['name'] ?? '';
  const target = `${registry}/${basename(name)}`;
  await run(['docker', 'tag', name, target], options);
  return ['docker', 'push', target];
}
