/**
 * What clients of a bench talk to: iperf3, a small HTTP answer, an echo, and a flood's other end.
 * `restart-iperf` ends the iperf3 of another such process, which starts a new one.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { serveFlood } from '../flood-server.ts';
import { targetPorts } from '../ports.ts';

function iperf(): void {
  const child = spawn('iperf3', ['--server', '--port', String(targetPorts.iperf)], {
    stdio: 'ignore',
  });
  child.on('exit', () => setTimeout(iperf, 100));
}

function isIperf(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('iperf3\0');
  } catch {
    return false;
  }
}

if (process.argv[2] === 'restart-iperf') {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (isIperf(pid)) process.kill(Number(pid), 'SIGKILL');
  }
} else {
  iperf();
  createHttpServer((_request, response) => response.end('hello\n')).listen(targetPorts.http);
  createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  }).listen(targetPorts.echo);
  createServer({ noDelay: true }, serveFlood).listen(targetPorts.flood);
}
