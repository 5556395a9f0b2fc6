import { inPodNetwork } from '../pod-network.ts';
import { onLaptop } from '../run.ts';

/** What came of one try: `open`, an answer, or the system's code. */
export interface Outcome {
  readonly outcome: string;
  readonly ms: number;
}

const program = new URL('ask.ts', import.meta.url).pathname;

/** Tries from the laptop, or from the network of a pod. */
export async function ask(
  words: readonly (string | number)[],
  from?: { readonly podIp: string },
): Promise<Outcome[]> {
  const argv = [process.execPath, program, ...words.map(String)];
  const { stdout } = await (from === undefined ? onLaptop(argv) : inPodNetwork(from.podIp, argv));
  return stdout
    .trim()
    .split('\n')
    .map((line): Outcome => JSON.parse(line));
}
