import { firstLaptop, secondLaptop } from './addresses.ts';
import { isRunning, startedComponents } from './component.ts';
import { engines } from './docker/engine.ts';
import { kubeconfigPath } from './kubeconfig.ts';
import type { Layout } from './layout.ts';
import { clusterMachine, findMachine } from './machine.ts';
import { isUp } from './up.ts';

/** What runs of a playground, in lines, and whether all of it does. */
export async function describeStatus(
  layout: Layout,
  signal: AbortSignal,
): Promise<{ readonly lines: readonly string[]; readonly isUp: boolean }> {
  const cluster = await findMachine(layout, clusterMachine);
  const laptop = await findMachine(layout, firstLaptop.name);
  const second = await findMachine(layout, secondLaptop.name);
  const up = await isUp(layout, signal);
  const lines = [
    `playground ${layout.name}: ${up ? 'up' : 'not up'}`,
    `  state       ${layout.state}`,
    `  kubeconfig  ${kubeconfigPath(layout, 'admin')}`,
    `  cluster     ${cluster === undefined ? 'not running' : `process ${cluster.pid}`}`,
    `  laptop      ${laptop === undefined ? 'not running' : `process ${laptop.pid}`}`,
  ];
  if (second !== undefined) lines.push(`  laptop2     process ${second.pid}`);
  for (const { name } of await engines(layout)) lines.push(`  docker      on ${name}`);
  if (cluster === undefined) return { lines, isUp: up };
  for (const name of await startedComponents(layout)) {
    const running = await isRunning({ layout, machine: cluster }, name, signal);
    lines.push(`  ${running ? 'runs   ' : 'stopped'}     ${name}`);
  }
  return { lines, isUp: up };
}
