import { createDelayRelay } from './delay-relay.ts';

// usage: delay-relay-main.ts LISTEN-HOST:PORT TARGET-HOST:PORT ROUND-TRIP-MS
const [listen = '', target = '', roundTrip = ''] = process.argv.slice(2);
const address = (text: string): { readonly host: string; readonly port: number } => {
  const [host = '', port = ''] = text.split(':');
  return { host, port: Number(port) };
};
const relay = createDelayRelay({
  target: address(target),
  roundTripMs: Number(roundTrip),
  bufferBytes: 16 * 1024 * 1024,
});
relay.listen(address(listen));
