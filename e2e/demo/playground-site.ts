import { run } from '../../images/command.ts';
import { cacheFrom } from '../../images/cache.ts';
import { assembleOurImage } from '../../images/telepresence.ts';
import { deployDemo } from '../../playground/demo-app.ts';
import { takeDown } from '../../playground/down.ts';
import type { Layout } from '../../playground/layout.ts';
import { loadCached } from '../../playground/load.ts';
import { lock } from '../../playground/lock.ts';
import { clusterMachine, requireMachine } from '../../playground/machine.ts';
import { ensureMachine } from '../../playground/packages.ts';
import type { Progress } from '../../playground/progress.ts';
import { bringUp, isUp } from '../../playground/up.ts';
import { laptopCommand, onCluster, onLaptop } from '../run.ts';
import type { Site } from './site.ts';

const repository = new URL('../..', import.meta.url).pathname;

interface SiteDeps {
  readonly layout: Layout;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
}

/** The playground as the demo's place; one that was up before stays up afterwards. */
export function playgroundSite(deps: SiteDeps): Site {
  const { layout, env, progress } = deps;
  let wasUp = false;
  const alone = (signal: AbortSignal): Promise<AsyncDisposable> =>
    lock(layout.lock, { signal, onWait: (pid) => progress(`waiting for process ${pid}`) });
  return {
    description: `a real one-node Kubernetes in its own network namespaces (playground ${layout.name})`,
    installFlags: ['--set', 'image.registry=telepresence'],
    clusterFlags: [],
    async prepare(signal) {
      await ensureMachine({ uid: process.getuid?.() ?? -1, env, progress }, signal);
      await using _held = await alone(signal);
      wasUp = await isUp(layout, signal);
      await bringUp(deps, signal);
      await loadOurImage(deps, signal);
      await deployDemo(deps, signal);
    },
    laptop: (argv, options) => onLaptop(argv, options),
    laptopCommand: (argv) => laptopCommand(argv),
    kubectl: (argv, options) => onCluster(['kubectl', ...argv], options),
    async cleanUp(signal) {
      if (wasUp) return;
      await using _held = await alone(signal);
      await takeDown(layout, signal);
    },
  };
}

/** Bundles the sources as they are now and gives the node the image made of them. */
export async function loadOurImage(deps: SiteDeps, signal: AbortSignal): Promise<void> {
  const { layout, env, progress } = deps;
  progress('bundling and assembling our image');
  await run([process.execPath, 'tools/bundle.ts'], { cwd: repository, signal, env });
  const options = { cache: cacheFrom(env), env, node: process.execPath, progress, repository };
  const { tar } = await assembleOurImage(options, 'tel2', signal);
  const cluster = await requireMachine(layout, clusterMachine);
  await loadCached({ layout, cluster }, [tar], signal);
}
