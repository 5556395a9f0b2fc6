import { onCluster } from './run.ts';

/**
 * Lets the kernel run out of memory in a container's cgroup, as on a node without any: the limit comes
 * down to what is used and a little, somebody else in the cgroup takes more than that, and the
 * kernel kills the container's first process.
 */
export async function runOutOfMemory(containerId: string): Promise<void> {
  const id = containerId.replace('containerd://', '');
  await onCluster(['sh', '-euc', script, 'sh', id], { deadlineMs: 30_000 });
}

const script = `
  group=$(find /sys/fs/cgroup -type d -name "$1" -exec test -e '{}/memory.stat' ';' -print | head -n 1)
  if [ -e "$group/memory.max" ]; then limit=memory.max used=memory.current
  else limit=memory.limit_in_bytes used=memory.usage_in_bytes
  fi
  first=$(head -n 1 "$group/cgroup.procs")
  echo $(($(cat "$group/$used") + 16777216)) >"$group/$limit"
  echo 1000 >"/proc/$first/oom_score_adj"
  # It ends by the kernel's hand too, or when it has all that it wanted.
  sh -c 'echo 0 >/proc/self/oom_score_adj; echo $$ >"$1/cgroup.procs"; head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null' sh "$group" || true
  for _ in $(seq 100); do kill -0 "$first" 2>/dev/null || exit 0; sleep 0.05; done
  echo "process $first was not killed" >&2
  exit 1`;
