#!/bin/sh
# Becomes a command inside a cgroup of every hierarchy. What Docker starts beside containers, its
# plugins, gets cgroups relative to its own, and `down` finds them there.
# usage: in-cgroup.sh PLAYGROUND-CGROUP NAME COMMAND...
set -eu
playground=$1 name=$2
shift 2
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ -f "$hierarchy/cgroup.procs" ] && [ -d "$hierarchy/$playground" ] || continue
  cgroup=$hierarchy/$playground/$name
  mkdir -p "$cgroup/daemon"
  # In version 1 a new cpuset is empty, and takes no process.
  if [ ! -e /sys/fs/cgroup/cgroup.controllers ] && [ -e "$cgroup/cpuset.cpus" ]; then
    for file in cpuset.cpus cpuset.mems; do
      for made in "$cgroup" "$cgroup/daemon"; do
        cat "$hierarchy/$playground/$file" >"$made/$file"
      done
    done
  fi
  echo $$ >"$cgroup/daemon/cgroup.procs"
done
exec "$@"
