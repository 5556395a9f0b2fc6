import { toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { fn1 } from '../execute/function.ts';
import type { TemplateFunction } from '../execute/function.ts';
import { fault } from '../template-error.ts';
import type { TemplateError } from '../template-error.ts';
import { quoteGo } from '../text/quote.ts';
import { dict, kindName } from '../values.ts';
import type { GoMap } from '../values.ts';

/** The parts of a URL; path, fragment and user are decoded. */
interface Url {
  readonly scheme: ByteText;
  readonly opaque: ByteText;
  readonly userinfo: ByteText;
  readonly host: ByteText;
  readonly path: ByteText;
  readonly query: ByteText;
  readonly fragment: ByteText;
}

function unescape(bytes: ByteText, fail: (why: string) => TemplateError): ByteText {
  return bytes.replaceAll(/%(.{0,2})/gs, (whole, digits: string) => {
    if (/^[0-9a-fA-F]{2}$/.test(digits)) return String.fromCharCode(Number.parseInt(digits, 16));
    throw fail(`invalid URL escape ${quoteGo(toText(whole))}`);
  });
}

function escape(bytes: ByteText, keep: RegExp): ByteText {
  return Array.from(bytes, (byte) =>
    keep.test(byte) ? byte : `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}

const keepInPath = /[A-Za-z0-9\-_.~$&+,/:;=@]/;
const keepInUser = /[A-Za-z0-9\-_.~$&+,;=]/;
const keepInFragment = /[A-Za-z0-9\-_.~$&+,/:;=?@!()*]/;

function parse(bytes: ByteText): Url {
  const fail = (why: string): TemplateError =>
    fault(`unable to parse url: parse ${quoteGo(toText(bytes))}: ${why}`);
  if (/\p{Cc}/u.test(toText(bytes).replaceAll(/[^\p{ASCII}]/gu, '')))
    throw fail('net/url: invalid control character in URL');
  const hash = bytes.indexOf('#');
  const fragment = hash < 0 ? '' : unescape(bytes.slice(hash + 1), fail);
  const whole = hash < 0 ? bytes : bytes.slice(0, hash);
  if (whole.startsWith(':')) throw fail('missing protocol scheme');
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(whole)?.[1]?.toLowerCase() ?? '';
  let rest = scheme === '' ? whole : whole.slice(scheme.length + 1);
  const mark = rest.indexOf('?');
  const query = mark < 0 ? '' : rest.slice(mark + 1);
  if (mark >= 0) rest = rest.slice(0, mark);
  const parts = { scheme, opaque: '', userinfo: '', host: '', path: '', query, fragment };
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { ...parts, opaque: rest };
    if (/^[^/]*:/.test(rest)) throw fail('first path segment in URL cannot contain colon');
  }
  if (!rest.startsWith('//') || (rest.startsWith('///') && scheme === '')) {
    return { ...parts, path: unescape(rest, fail) };
  }
  const slash = rest.indexOf('/', 2);
  const authority = rest.slice(2, slash < 0 ? undefined : slash);
  const path = slash < 0 ? '' : unescape(rest.slice(slash), fail);
  const at = authority.lastIndexOf('@');
  const host = parseHost(authority.slice(at + 1), fail);
  const userinfo = at < 0 ? '' : parseUser(authority.slice(0, at), fail);
  return { ...parts, host, userinfo, path };
}

function parseHost(host: ByteText, fail: (why: string) => TemplateError): ByteText {
  const port = /^(?:\[[^\]]*\]|[^:]*)(.*)$/s.exec(host)?.[1] ?? '';
  if (!/^(?::[0-9]*)?$/.test(port)) {
    const last = host.slice(host.lastIndexOf(':'));
    throw fail(`invalid port ${quoteGo(toText(last))} after host`);
  }
  if (/[ <>"{}|\\^`]/.test(host)) {
    const bad = /[ <>"{}|\\^`]/.exec(host)?.[0] ?? '';
    throw fail(`invalid character ${quoteGo(bad)} in host name`);
  }
  return unescape(host, fail);
}

function parseUser(user: ByteText, fail: (why: string) => TemplateError): ByteText {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) throw fail('net/url: invalid userinfo');
  const colon = user.indexOf(':');
  const name = unescape(colon < 0 ? user : user.slice(0, colon), fail);
  const secret = colon < 0 ? undefined : unescape(user.slice(colon + 1), fail);
  const shown = escape(name, keepInUser);
  return secret === undefined ? shown : `${shown}:${escape(secret, keepInUser)}`;
}

function hostname(host: ByteText): ByteText {
  const bracketed = /^\[([^\]]*)\]/.exec(host);
  return bracketed?.[1] ?? host.replace(/:[0-9]*$/, '');
}

function text(map: GoMap, key: string): ByteText {
  if (!map.entries.has(key)) return '';
  const value = map.entries.get(key);
  if (typeof value === 'string') return value;
  throw fault(`unable to parse ${key} key, must be of type string, but ${kindName(value)} found`);
}

function join(map: GoMap): ByteText {
  const [scheme, host, path] = [text(map, 'scheme'), text(map, 'host'), text(map, 'path')];
  const query = text(map, 'query');
  const opaque = text(map, 'opaque');
  const fragment = text(map, 'fragment');
  const userinfo = text(map, 'userinfo');
  const fail = (why: string): TemplateError =>
    fault(
      `unable to parse userinfo in dict: parse ${quoteGo(`proto://${toText(userinfo)}@host`)}: ${why}`,
    );
  const user = userinfo === '' ? undefined : parseUser(userinfo, fail);
  let out = scheme === '' ? '' : `${scheme}:`;
  if (opaque === '') {
    if (scheme !== '' || host !== '' || user !== undefined) {
      if (host !== '' || path !== '' || user !== undefined) out += '//';
      if (user !== undefined) out += `${user}@`;
      out += escape(host, /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/);
    }
    const escaped = escape(path, keepInPath).replaceAll('%2A', '*');
    if (escaped !== '' && !escaped.startsWith('/') && host !== '') out += '/';
    // Without a scheme a colon in the first part would read as one.
    if (out === '' && /^[^/]*:/.test(escaped)) out += './';
    out += escaped;
  } else {
    out += opaque;
  }
  if (query !== '') out += `?${query}`;
  return fragment === '' ? out : `${out}#${escape(fragment, keepInFragment)}`;
}

/** Sprig's URLs. */
export const urlFunctions: Readonly<Record<string, TemplateFunction>> = {
  urlParse: fn1('string', (bytes) => {
    const url = parse(bytes);
    return dict([...Object.entries(url), ['hostname', hostname(url.host)]]);
  }),
  urlJoin: fn1('map', join),
};
