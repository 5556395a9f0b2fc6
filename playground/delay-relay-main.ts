import { createDelayRelay } from './delay-relay.ts';

// usage: delay-relay-main.ts TARGET-HOST:PORT LISTEN-HOST:PORT,ROUND-TRIP-MS[,MEGABITS]...
const [target = '', ...relays] = process.argv.slice(2);
const address = (text: string): { readonly host: string; readonly port: number } => {
  const [host = '', port = ''] = text.split(':');
  return { host, port: Number(port) };
};
for (const words of relays) {
  const [listen = '', roundTrip = '', megabits] = words.split(',');
  const relay = createDelayRelay({
    target: address(target),
    roundTripMs: Number(roundTrip),
    // A narrow link has a router with a small buffer before it: twice what is under way.
    ...(megabits === undefined
      ? { bufferBytes: 16 * 1024 * 1024 }
      : { bufferBytes: 256 * 1024, megabitsPerSecond: Number(megabits) }),
  });
  relay.listen(address(listen));
}
