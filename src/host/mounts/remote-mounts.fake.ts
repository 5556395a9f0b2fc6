import { finished } from 'node:stream';
import { HostError } from '../errors.ts';
import type { RemoteMounts } from './remote-mounts.ts';

/** A machine that mounts without a kernel: what is mounted is only noted. */
export interface FakeRemoteMounts extends RemoteMounts {
  readonly mounted: ReadonlySet<string>;
  /** Why nothing can be mounted. */
  lacks: string | undefined;
  /** Why the next one fails, although it was tried. */
  fails: string | undefined;
}

export function createFakeRemoteMounts(): FakeRemoteMounts {
  const mounted = new Set<string>();
  const fake: FakeRemoteMounts = {
    mounted,
    lacks: undefined,
    fails: undefined,
    whyNot: async () => fake.lacks,
    isMounted: async (mountPoint) => mounted.has(mountPoint),
    async release(mountPoint) {
      mounted.delete(mountPoint);
    },
    async mount({ mountPoint, stream, signal }) {
      signal.throwIfAborted();
      if (fake.fails !== undefined) {
        stream.destroy();
        throw new HostError('ToolFailed', `sshfs: ${fake.fails}`);
      }
      mounted.add(mountPoint);
      const ended = Promise.withResolvers<string>();
      const end = (): void => {
        mounted.delete(mountPoint);
        ended.resolve('the stream has ended');
      };
      stream.resume();
      finished(stream, { writable: false }, end);
      return {
        ended: ended.promise,
        async [Symbol.asyncDispose]() {
          stream.destroy();
          end();
        },
      };
    },
  };
  return fake;
}
