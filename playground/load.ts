import { runIn, type Machine } from './machine.ts';
import { containerdSocket } from './node.ts';

/** Gives the node an image from a tar (OCI layout or Docker archive); returns what ctr says. */
export async function loadImage(
  cluster: Machine,
  tarPath: string,
  signal: AbortSignal,
): Promise<string> {
  const { stdout } = await runIn(
    cluster,
    ['ctr', `--address=${containerdSocket}`, '--namespace=k8s.io', 'images', 'import', '-'],
    { signal, inputFile: tarPath },
  );
  return stdout;
}
