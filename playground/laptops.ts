import { addresses, firstLaptop, secondLaptop, type Laptop } from './addresses.ts';
import type { Layout } from './layout.ts';
import { lock } from './lock.ts';
import {
  clusterMachine,
  findMachine,
  requireMachine,
  startMachine,
  type Machine,
} from './machine.ts';
import { connectLaptop } from './network.ts';

/** The laptop of that name, if there is such a one. */
export function laptopNamed(name: string): Laptop | undefined {
  return [firstLaptop, secondLaptop].find((laptop) => laptop.name === name);
}

/** A laptop's machine; another than the first is started where it does not run yet. */
export async function ensureLaptop(
  layout: Layout,
  laptop: Laptop,
  signal: AbortSignal,
): Promise<Machine> {
  if (laptop.index === firstLaptop.index) return requireMachine(layout, laptop.name);
  const running = await findMachine(layout, laptop.name);
  if (running !== undefined) return running;
  const cluster = await requireMachine(layout, clusterMachine);
  await using _held = await lock(`${layout.lock}-${laptop.name}`, { signal, onWait: () => {} });
  const meanwhile = await findMachine(layout, laptop.name);
  if (meanwhile !== undefined) return meanwhile;
  const resolver = addresses.outsideDns;
  const machine = await startMachine(layout, { name: laptop.name, resolver, signal });
  await connectLaptop({ cluster, laptop: machine }, laptop, signal);
  return machine;
}
