import * as v from 'valibot';
import { KubeError, type KubeErrorCode } from './errors.ts';

const statusSchema = v.object({
  kind: v.literal('Status'),
  reason: v.optional(v.string()),
  message: v.optional(v.string()),
  code: v.optional(v.number()),
  details: v.optional(v.object({ retryAfterSeconds: v.optional(v.number()) })),
});

const byReason: ReadonlyMap<string, KubeErrorCode> = new Map([
  ['AlreadyExists', 'AlreadyExists'],
  ['BadRequest', 'Invalid'],
  ['Conflict', 'Conflict'],
  ['Expired', 'Gone'],
  ['Forbidden', 'Forbidden'],
  ['Gone', 'Gone'],
  ['Invalid', 'Invalid'],
  ['NotFound', 'NotFound'],
  ['ServerTimeout', 'Unavailable'],
  ['ServiceUnavailable', 'Unavailable'],
  ['Timeout', 'Unavailable'],
  ['TooManyRequests', 'TooManyRequests'],
  ['Unauthorized', 'Unauthorized'],
]);

function byStatus(status: number): KubeErrorCode {
  switch (status) {
    case 400:
    case 422:
      return 'Invalid';
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      return 'NotFound';
    case 409:
      return 'Conflict';
    case 410:
      return 'Gone';
    case 429:
      return 'TooManyRequests';
    case 500:
    case 502:
    case 503:
    case 504:
      return 'Unavailable';
    default:
      return 'Other';
  }
}

/** A parsed `Status` object (also one inside a watch), or undefined when `value` is none. */
export function parseStatus(value: unknown): v.InferOutput<typeof statusSchema> | undefined {
  const parsed = v.safeParse(statusSchema, value);
  return parsed.success ? parsed.output : undefined;
}

/** The error behind an HTTP answer: its Status object, else its text, else its number. */
export function errorFromAnswer(
  what: string,
  answer: {
    readonly status: number;
    readonly body: string;
    readonly retryAfter?: string | undefined;
    /** Who answered, to name who is no API server. */
    readonly server?: { readonly server: URL; readonly cluster: string };
  },
): KubeError {
  const status = parseStatus(parseJson(answer.body));
  const isPage = isHtml(answer.body);
  const code = byReason.get(status?.reason ?? '') ?? byStatus(answer.status);
  if (isPage && answer.server !== undefined && code === 'Other') {
    const { server, cluster } = answer.server;
    return new KubeError(
      'BadObject',
      `${server.origin} does not answer as a Kubernetes API server does (HTTP ${String(answer.status)})`,
      { status: answer.status, hint: `check the server of cluster ${cluster} in the kubeconfig` },
    );
  }
  const text = status?.message ?? plainText(answer);
  const seconds = status?.details?.retryAfterSeconds ?? Number(answer.retryAfter ?? Number.NaN);
  return new KubeError(code, `${what}: ${text === '' ? `HTTP ${String(answer.status)}` : text}`, {
    status: answer.status,
    ...(Number.isFinite(seconds) ? { retryAfterMs: seconds * 1000 } : {}),
  });
}

/** A body in a sentence: of a page of HTML its title alone. */
function plainText({ status, body }: { readonly status: number; readonly body: string }): string {
  const text = body.trim();
  if (!isHtml(text)) return text.slice(0, 1024);
  // Far into a page no title is looked for: that would take as long as its length squared.
  const title = /<title[^>]*>([^<]{1,80})/i.exec(text.slice(0, 8192))?.[1]?.trim();
  return `HTTP ${String(status)} with a web page${title === undefined ? '' : ` (“${title}”)`}`;
}

/** Whether a body is a page for a browser: a login, an error of a proxy. */
export function isHtml(body: string): boolean {
  return /^\s*<(!doctype|html|head|body|center|h1)/i.test(body);
}

/** `text` as JSON, or undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
