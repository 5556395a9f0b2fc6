// Looks up each of many names once, one after the other: prints how long each took, in ms, as JSON.
import { Resolver } from 'node:dns/promises';

const resolver = new Resolver({ timeout: 5000, tries: 2 });
const times: number[] = [];
for (const name of process.argv.slice(2)) {
  const began = performance.now();
  const [address] = await resolver.resolve4(name);
  if (address === undefined) throw new Error(`${name}: no address`);
  times.push(performance.now() - began);
}
console.log(JSON.stringify(times));
