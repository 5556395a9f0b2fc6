import { systemClock } from '#base/clock.ts';
import type { CliContext } from './context.ts';
import { findPlaces } from './daemon/places.ts';

/** For tests: a machine without daemons, and what was printed on it. */
export function recordingContext(): { readonly context: CliContext; readonly lines: string[] } {
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  return {
    lines,
    context: {
      clock: systemClock,
      env: {},
      cwd: '/',
      uid: 1000,
      places: findPlaces({ env: {}, home: '/nowhere', uid: 1000, platform: 'linux' }),
      programs: {
        node: '',
        executable: '',
        cli: '',
        userDaemon: '',
        rootDaemon: '',
        dockerHelper: '',
        packageRoot: '',
      },
      interactive: false,
      hasTerminal: () => false,
      formatted: false,
      streaming: false,
      signal: new AbortController().signal,
      takeSignals: () => ({ [Symbol.dispose]: () => {} }),
      show: ({ text }) => {
        for (const line of text) print(line);
      },
      emit: (object) => print(JSON.stringify(object)),
      flush: () => {},
      readInput: async () => await Promise.resolve(''),
      ask: async () => await Promise.resolve(''),
      print,
      warn: (line) => print(`! ${line}`),
    },
  };
}
