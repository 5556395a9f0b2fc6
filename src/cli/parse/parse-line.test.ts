import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FlagSpec } from './flag-spec.ts';
import { parseInterceptPort } from './intercept-port.ts';
import { parseLine } from './parse-line.ts';
import { readSubnets } from './subnet.ts';
import { suggest } from '#base/suggest.ts';

const specs: readonly FlagSpec[] = [
  { name: 'namespace', short: 'n', kind: 'text', help: '' },
  { name: 'port', short: 'p', kind: 'text', default: '8080', help: '' },
  { name: 'stop', short: 's', kind: 'switch', help: '' },
  { name: 'deep', short: 'd', kind: 'switch', default: 'true', help: '' },
  { name: 'also-proxy', kind: 'csv', help: '' },
  { name: 'set', kind: 'list', help: '' },
];
const one = { names: ['NAME'], command: true };

test('flags and words mix, in every form that kubectl takes', () => {
  const line = parseLine(specs, one, [
    '-n',
    'a',
    '--port=1:x',
    'echo',
    '-sd=false',
    '--also-proxy',
    '10.0.0.0/8,11.0.0.0/8',
    '--also-proxy=12.0.0.0/8',
    '--set',
    'a=b,c',
    '--',
    'run',
    '--stop=1',
  ]);
  assert.equal(line.text('namespace'), 'a');
  assert.equal(line.text('port'), '1:x');
  assert.deepEqual(line.words, ['echo']);
  assert.equal(line.on('stop'), true);
  assert.equal(line.on('deep'), false);
  assert.deepEqual(line.list('also-proxy'), ['10.0.0.0/8', '11.0.0.0/8', '12.0.0.0/8']);
  assert.deepEqual(line.list('set'), ['a=b,c']);
  assert.deepEqual(line.command, ['run', '--stop=1']);
  const glued = parseLine(specs, one, ['-nb', 'x']);
  assert.equal(glued.text('namespace'), 'b');
  assert.equal(glued.text('port'), '8080');
  assert.equal(glued.on('deep'), true);
  assert.equal(glued.command, undefined);
});

test('what cannot be meant is said', () => {
  const fails = (argv: readonly string[], message: RegExp): void => {
    assert.throws(() => parseLine(specs, one, argv), { name: 'CliError', code: 'Usage', message });
  };
  fails([], /^NAME is missing$/);
  fails(['a', 'b'], /^unexpected argument "b"$/);
  fails(['a', '--nope'], /^unknown flag: --nope$/);
  fails(['a', '-x'], /^unknown shorthand flag: 'x' in -x$/);
  fails(['a', '--port'], /^flag needs an argument: --port$/);
  fails(['a', '-p'], /^flag needs an argument: 'p' in -p$/);
  fails(['a', '--stop=maybe'], /^invalid argument "maybe" for "--stop"/);
  fails(['a', '-sd=perhaps'], /^invalid argument "perhaps" for "--deep"/);
  fails(['a', '-s-'], /^unknown shorthand flag: '-' in -s-$/);
  fails(['a', '-sx=1'], /^unknown shorthand flag: 'x' in -sx=1$/);
  fails(['a', '--=b'], /^bad flag syntax: --=b$/);
  fails(['a', '--'], /^a command is missing after "--"$/);
  assert.throws(() => parseLine(specs, { names: [] }, ['--', 'x']), { code: 'Usage' });
});

test('any value comes through, in any form', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), (value, command) => {
      for (const argv of [
        ['--namespace', value],
        [`--namespace=${value}`],
        ['-n', value],
        [`-n=${value}`],
      ]) {
        const line = parseLine(specs, one, ['w', ...argv, '--', 'c', ...command]);
        assert.equal(line.text('namespace'), value);
        assert.deepEqual(line.command, ['c', ...command]);
      }
    }),
  );
});

test('noise is refused as Usage or taken, never anything else', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.stringMatching(/^--?[a-z=]*$/))), (argv) => {
      try {
        parseLine(specs, one, argv);
      } catch (error) {
        assert.ok(error instanceof Error && error.name === 'CliError');
      }
    }),
  );
});

test('--port', () => {
  assert.deepEqual(parseInterceptPort('8080'), { laptop: 8080, service: undefined });
  assert.deepEqual(parseInterceptPort('8080:http'), { laptop: 8080, service: 'http' });
  assert.deepEqual(parseInterceptPort('1:65535'), { laptop: 1, service: '65535' });
  assert.deepEqual(parseInterceptPort('5300:53/UDP'), { laptop: 5300, service: '53/UDP' });
  assert.deepEqual(parseInterceptPort('5300:dns/udp'), { laptop: 5300, service: 'dns/udp' });
  const bads = ['', ':', '0', '65536', 'http', '1:', '1:0', '1:2:3', '1:Http', '-1', '1:-a'];
  const badProtocols = ['53/UDP', '1:53/', '1:/UDP', '1:53/SCTP', '1:53/UDP/TCP'];
  for (const bad of [...bads, ...badProtocols]) {
    assert.throws(() => parseInterceptPort(bad), { code: 'Usage' }, bad);
  }
});

test('subnets', () => {
  const read = (typed: string) =>
    readSubnets(parseLine(specs, { names: [] }, ['--also-proxy', typed]), 'also-proxy');
  assert.deepEqual(read('10.1.0.0/16,fd00::/8'), ['10.1.0.0/16', 'fd00::/8']);
  for (const bad of ['x', '10.0.0.1', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/', '::/129']) {
    assert.throws(() => read(bad), { code: 'Usage' }, bad);
  }
});

test('suggestions', () => {
  const known = ['connect', 'list', 'intercept', 'leave', 'status', 'quit', 'version', 'helm'];
  assert.equal(suggest('conect', known)[0], 'connect');
  assert.equal(suggest('inter', known)[0], 'intercept');
  assert.equal(suggest('stauts', known)[0], 'status');
  assert.deepEqual(suggest('frobnicate', known), []);
});
