import { createServer } from 'node:net';

import { systemClock } from '#base/clock.ts';
import { openLibc } from '#host/libc.ts';
import { createReadOriginalDestination } from '#host/original-destination.ts';
import { agentGroup, agentRedirectPort } from '#protocol/agent-config.ts';

import { createKnocker, openKnockSender } from '../take/knock.ts';

/**
 * For tests: knocks when told `{on: port}` or `{off: port}`, and answers what is redirected to it
 * with `agent PORT:` and the same chunk. `group` as argv[2] is the group it runs as.
 */
process.setgroups?.([]);
process.setgid?.(Number(process.argv[2] ?? agentGroup));
process.setuid?.(65_534);
const original = createReadOriginalDestination({ libc: openLibc() });
const sender = await openKnockSender();
const knocker = createKnocker({ clock: systemClock, send: sender.send });
const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  const port = original(socket)?.port;
  socket.on('error', () => {});
  if (port === undefined) {
    socket.resetAndDestroy();
    return;
  }
  socket.on('data', (chunk) => socket.write(`agent ${port}:${String(chunk)}`));
  socket.on('end', () => socket.end());
});
interface Message {
  readonly on?: number;
  readonly off?: number;
  readonly tap?: number;
  readonly untap?: number;
}
process.on('message', (message: Message) => {
  void (async () => {
    if (message.tap !== undefined) process.send?.({ heard: await knocker.tap(message.tap) });
    if (message.untap !== undefined) process.send?.({ heard: await knocker.untap(message.untap) });
    if (message.on !== undefined) process.send?.({ heard: await knocker.on(message.on) });
    if (message.off !== undefined) process.send?.({ heard: await knocker.off(message.off) });
  })();
});
server.listen({ port: agentRedirectPort, host: '::', backlog: 4096 }, () => {
  process.send?.('ready');
});
