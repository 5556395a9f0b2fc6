#!/bin/sh
# The first thing that runs in a machine's new namespaces: makes its own view of the file system,
# then becomes its first process. Every mount here ends with the last process of the machine.
# usage: machine.sh STATE NAME FIRST-PROCESS...
set -eu
state=$1 name=$2
shift 2
own=$state/$name
mkdir -p "$own/run" "$own/var-lib" "$own/log" "$own/tmp" "$own/home" "$own/aside"

# /sys shows the network devices of the namespace it was mounted in; the cgroups are kept.
mount --rbind /sys/fs/cgroup "$own/aside"
mount -t sysfs sysfs /sys
mount --rbind "$own/aside" /sys/fs/cgroup
umount -l "$own/aside"

# Names are resolved by this machine's own file, also where it is a link into /run.
resolver=$(readlink -m /etc/resolv.conf)
mount --bind "$own/run" /run
mkdir -p /run/lock /run/user/0 "$(dirname "$resolver")"
[ -e "$resolver" ] || : >"$resolver"
mount --bind "$own/resolv.conf" "$resolver"
mount --bind "$own/hosts" /etc/hosts
hostname "$name"

if [ -d "$own/sysctl" ]; then
  # The cluster: a kubelet wants settings of the whole machine's kernel; it sees them as they
  # should be and changes nothing. Its files are in /var/lib and /var/log, which are its own.
  for path in $(cd "$own/sysctl" && find . -type f); do
    [ ! -e "/proc/sys/$path" ] || mount --bind "$own/sysctl/$path" "/proc/sys/$path"
  done
  mount --bind "$own/log" /var/log
  case $state in
    /var/lib/*)
      inner=$own/var-lib/${state#/var/lib/}
      mkdir -p "$inner"
      mount --rbind "$state" "$inner"
      ;;
  esac
  mount --rbind "$own/var-lib" /var/lib
fi
mount --make-rshared /
exec "$@"
