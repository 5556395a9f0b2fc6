import http from 'node:http';
import type net from 'node:net';
import * as v from 'valibot';
import { withDeadline } from '#base/wait.ts';
import { connectApiServer, type ConnectDeps } from './connect.ts';
import { KubeError, unreachable } from './errors.ts';
import { readText } from './request.ts';
import { errorFromAnswer, isHtml, parseJson, parseStatus } from './status.ts';
import { basePath } from './tcp.ts';

// For the TCP connection, for TLS, and for the first answer. Where every processor has a queue before
// it, silence may be our own: then longer, up to what a request waits anyway.
const stepMs = 2000;
const mostPatience = 5;
const longestAnswer = 64 * 1024;
const versionSchema = v.object({ gitVersion: v.string() });

/**
 * Whether an API server answers at all, said sooner than a request's own patience ends: each step of
 * the way has two seconds. Whatever a real API server says is an answer, a refusal too.
 */
export async function reachApiServer(
  deps: ConnectDeps & {
    /** How many programs want each of this machine's processors. */
    readonly loadPerCpu: () => number;
  },
  signal: AbortSignal,
): Promise<void> {
  const { server } = deps.access;
  const deadlineMs = Math.round(stepMs * Math.min(mostPatience, Math.max(1, deps.loadPerCpu())));
  const what = `API server ${server.origin}`;
  const identity = await deps.access.identify(signal);
  const socket = await connectApiServer(deps, { identity, deadlineMs, signal });
  try {
    const step = { ms: deadlineMs, what: `${what} accepts connections, but GET /version`, signal };
    const path = `${basePath(server)}/version`;
    const answer = await withDeadline(deps, step, async (waiting) => {
      const headers = { host: server.host, accept: 'application/json', ...identity.headers };
      return await ask(socket, { path, headers, signal: waiting });
    });
    judge(answer, { path, server, cluster: deps.access.cluster });
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(what, error);
  } finally {
    socket.destroy();
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
}

async function ask(
  socket: net.Socket,
  options: {
    readonly path: string;
    readonly headers: Readonly<Record<string, string | string[]>>;
    readonly signal: AbortSignal;
  },
): Promise<Answer> {
  const answer = Promise.withResolvers<http.IncomingMessage>();
  const request = http.request({ ...options, method: 'GET', createConnection: () => socket });
  request.on('response', answer.resolve);
  request.on('error', answer.reject);
  request.end();
  const response = await answer.promise;
  const { statusCode: status = 0, headers } = response;
  return { status, body: await readText(response, longestAnswer), location: headers.location };
}

function judge(
  { status, body, location }: Answer,
  {
    path,
    server,
    cluster,
  }: { readonly path: string; readonly server: URL; readonly cluster: string },
): void {
  const json = parseJson(body);
  if (status === 200 && v.is(versionSchema, json)) return;
  const said = parseStatus(json);
  // Who may not see a path is told so of paths that do not exist, too; /version itself is for all.
  const isElsewhere = status === 404 || (path !== '/version' && status === 403);
  if (said !== undefined && !isElsewhere) return;
  const hint = `check the server of cluster ${cluster} in the kubeconfig`;
  const is = `${server.origin} is no Kubernetes API server`;
  const fail = (words: string): never => {
    throw new KubeError('NotKubernetes', words, { status, hint });
  };
  if (status >= 300 && status < 400) {
    fail(`${is}: it sends GET ${path} on to ${location ?? 'somewhere'}`);
  }
  if (status === 400 && /http request to an https server/i.test(body)) {
    fail(`${server.origin} speaks HTTPS: the kubeconfig's server has to begin with https://`);
  }
  const error = errorFromAnswer(`API server ${server.origin}`, { status, body });
  // A load balancer whose API servers are away, or one that has too much to do.
  if (status >= 500 || status === 429) throw error;
  const { message } = errorFromAnswer(`GET ${path}`, { status, body });
  const doubt = path === '/version' || isHtml(body) ? '' : ', or the path is wrong';
  fail(`${is}${doubt}: ${message}`);
}
