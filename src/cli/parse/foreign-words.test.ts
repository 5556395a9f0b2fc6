/** Whatever is typed for a flag: it is taken, or refused as Usage; never anything else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearlyText } from '#base/nearly.fixture.ts';
import { CliError } from '../errors.ts';
import { readEnvironmentFiles } from '../attach/environment-files.ts';
import { readKubeFlags } from '../commands/kube-flags.ts';
import { kubeFlags } from '../commands/kube-flag-specs.ts';
import { logFiles } from '../daemon/log-files.ts';
import { wantedFormat } from '../output/format.ts';
import { flagDuration } from './duration.ts';
import { findCommand } from './find-command.ts';
import { rootCommand } from '../commands/registry.ts';
import { parseInterceptPort, portNumber } from './intercept-port.ts';
import { readMappedNamespaces } from './namespace-name.ts';
import { parseLine } from './parse-line.ts';
import { isSubnet, readSubnets } from './subnet.ts';
import { parseIp, parseSubnet } from '#protocol/ip-address.ts';

function usage<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof CliError && error.code === 'Usage', String(error));
    assert.doesNotMatch(error.message, /undefined|NaN|\[object/);
    return undefined;
  }
}

const port = nearlyText(
  ['8080', '8080:http', '65535:443'],
  [':', '0', '-1', '65536', '1e3', '/UDP'],
);

test('--port', () => {
  fc.assert(
    fc.property(port, (typed) => {
      const asked = usage(() => parseInterceptPort(typed));
      if (asked === undefined) return;
      const { laptop, service } = asked;
      assert.ok(laptop >= 1 && laptop <= 65_535);
      assert.equal(
        typed.replace(/^0+/, ''),
        service === undefined ? `${laptop}` : `${laptop}:${service}`,
      );
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 65_535 }), (number) => {
      assert.equal(portNumber(String(number)), number);
    }),
  );
});

test('subnets: what is taken is what the daemons read', () => {
  const signs = ['/', '.', ':', '::', '0', '33', '129', 'ffff', ' '];
  const line = (typed: string) =>
    parseLine([{ name: 'also-proxy', kind: 'list', help: '' }], { names: [] }, [
      '--also-proxy',
      typed,
    ]);
  fc.assert(
    fc.property(
      nearlyText(['10.0.0.0/8', 'fd00::/64', '::ffff:1.2.3.4/120', '1.2.3.4/32'], signs),
      (typed) => {
        const taken = usage(() => readSubnets(line(typed), 'also-proxy'));
        if (taken !== undefined) assert.notEqual(parseSubnet(typed), undefined, typed);
        assert.equal(isSubnet(typed), taken !== undefined);
        if (parseSubnet(typed) !== undefined) parseIp(typed.split('/')[0] ?? '');
      },
    ),
    { numRuns: 1000, examples: [['::ffff:1.2.3.4/20']] },
  );
});

test('durations and namespaces', () => {
  fc.assert(
    fc.property(nearlyText(['30m', '1h'], ['h', '.', '9'.repeat(30)]), (typed) => {
      const ms = usage(() => flagDuration('duration', typed));
      if (ms !== undefined) assert.ok(BigInt(ms) >= 0n);
    }),
  );
  const csv = { name: 'mapped-namespaces', kind: 'csv', help: '' } as const;
  fc.assert(
    fc.property(nearlyText(['a,b', 'all'], [',', '"', '""', 'all', ' ', '\n']), (typed) => {
      const names = usage(() =>
        readMappedNamespaces(parseLine([csv], { names: [] }, [`--mapped-namespaces=${typed}`])),
      );
      for (const name of names ?? []) assert.match(name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    }),
  );
});

test('environment files and log files', () => {
  const flags = ['env-file', 'env-syntax', 'env-json'].map(
    (name) => ({ name, kind: 'text', help: '' }) as const,
  );
  fc.assert(
    fc.property(nearlyText(['sh:export', 'docker'], [':', 'ps', ' ']), (typed) => {
      const argv = ['--env-file=f', `--env-syntax=${typed}`];
      usage(() => readEnvironmentFiles(parseLine(flags, { names: [] }, argv)));
      const files = logFiles({ TELEPRESENCE_MAX_LOGFILES: typed });
      assert.ok(files >= 1 && files <= 1000);
    }),
  );
});

test('kubectl’s flags', async () => {
  const input = { readInput: async () => await Promise.resolve('') };
  const names = kubeFlags.filter(({ kind }) => kind !== 'switch').map(({ name }) => name);
  const value = nearlyText(
    ['ann', 'team=a', '1m', 'ns', 'constructor=x', '__proto__=y', '-'],
    ['=', ',', '"', '\n', ':', '/'],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(...names), value)), async (typed) => {
      const argv = typed.map(([name, each]) => `--${name}=${each}`);
      const line = usage(() => parseLine(kubeFlags, { names: [] }, argv));
      if (line === undefined) return;
      await readKubeFlags(input, line).catch((error: unknown) => {
        assert.ok(error instanceof CliError && error.code === 'Usage', String(error));
      });
    }),
    { numRuns: 300 },
  );
});

test('command lines', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'intercept',
      'list',
      'helm',
      'install',
      '--output',
      '--format=json',
      '--',
      '-h',
      '-',
    ),
    fc.string({ maxLength: 10 }),
    fc.constantFrom('constructor', '__proto__', 'toString', '--=', '--output=', '-o=x'),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
      usage(() => wantedFormat(argv));
      usage(() => {
        const { command, rest } = findCommand(rootCommand, argv);
        if (command.commands !== undefined) return;
        parseLine(
          command.flagGroups.flatMap(({ flags }) => flags),
          command.positionals,
          rest,
        );
      });
    }),
    { numRuns: 1000 },
  );
});
