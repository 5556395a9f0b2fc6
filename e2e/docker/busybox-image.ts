import { onLaptop, type RunOptions } from '../run.ts';

/** An image with every applet of busybox on the laptop's engine: what a user's container may be. */
export const busybox = 'telepresence-e2e/busybox:1';

/** Has the engine build it: there is no registry. */
export async function buildBusybox(options: Pick<RunOptions, 'laptop'> = {}): Promise<void> {
  // Starts the engine.
  await onLaptop(['docker', 'version'], { ...options, deadlineMs: 300_000 });
  const script = `set -e; d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
    cp /bin/busybox "$d"; cd "$d"
    printf '%s\\n' 'FROM scratch' 'COPY busybox /bin/busybox' \\
      'RUN ["/bin/busybox", "--install", "-s", "/bin"]' 'CMD ["sh"]' >Dockerfile
    docker build --quiet --tag ${busybox} .`;
  await onLaptop(['sh', '-c', script], options);
}
