import { signOfClientHello } from './client-hello.ts';
import { http2Preface, signOfHttp2 } from './http2-request.ts';
import type { Sign } from './sign-kinds.ts';

/** A request's head longer than this is not the kubelet's. */
const headLimit = 16 * 1024;
const get = Buffer.from('GET ');
const kubelet = ['kube-probe/', 'kube-lifecycle/'] as const;

/** Reads the signs of the kubelet in all that a connection has sent so far. */
export function signOf(bytes: Buffer): Sign {
  if (bytes.length === 0) return 'more';
  if (begins(bytes, http2Preface)) {
    return bytes.length < http2Preface.length ? 'more' : signOfHttp2(bytes);
  }
  if (begins(bytes, get)) return signOfHttp1(bytes);
  return signOfClientHello(bytes);
}

/** Whether the bytes, or as many as there are, are those of `start`. */
function begins(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

function signOfHttp1(bytes: Buffer): Sign {
  const [requestLine, ...fields] = bytes.toString('latin1', 0, headLimit).split('\r\n');
  // The last line is not a whole one.
  if (fields.pop() === undefined) return unlessTooLong(bytes);
  if (!/^GET \S+ HTTP\/1\.[01]$/.test(requestLine ?? '')) return 'other';
  for (const field of fields) {
    if (field === '') return 'other';
    const agent = /^user-agent:[ \t]*(.*)$/i.exec(field)?.[1];
    if (agent === undefined) continue;
    return kubelet.some((start) => agent.startsWith(start)) ? 'kubelet' : 'other';
  }
  return unlessTooLong(bytes);
}

function unlessTooLong(bytes: Buffer): Sign {
  return bytes.length < headLimit ? 'more' : 'other';
}
