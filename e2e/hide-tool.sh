#!/bin/sh
# Runs a command on a machine that lacks a tool. In a mount namespace of its own:
# unshare -m sh hide-tool.sh TOOL COMMAND...
set -eu
tool=$1
shift
mount -t tmpfs tmpfs /mnt
for dir in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin; do
  [ -e "$dir/$tool" ] || continue
  real=/mnt$dir/real shown=/mnt$dir/shown
  mkdir -p "$real" "$shown"
  mount --bind "$dir" "$real"
  cp -as "$real/." "$shown/"
  rm -f "$shown/$tool"
  mount --bind "$shown" "$dir"
done
exec "$@"
