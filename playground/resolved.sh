#!/bin/sh
# Runs on a laptop: start, restart or stop a real systemd-resolved there, with a bus of its own. /etc
# is covered while it runs, so that resolv.conf is a link into /run as on a machine that has it.
# usage: resolved.sh start|restart|stop PACKAGES NAMESERVER
set -eu
action=$1 packages=$2 nameserver=$3
own=/run/playground-resolved
log=$own/log

end() {
  [ ! -e "$own/$1.pid" ] || kill "$(cat "$own/$1.pid")" 2>/dev/null || :
  while [ -e "$own/$1.pid" ] && kill -0 "$(cat "$own/$1.pid")" 2>/dev/null; do sleep 0.02; done
  rm -f "$own/$1.pid"
}

run_resolved() {
  mkdir -p /run/systemd/resolve
  chown systemd-resolve:systemd-resolve /run/systemd/resolve
  setsid "$packages/lib/systemd/systemd-resolved" </dev/null >>"$log" 2>&1 &
  echo $! >"$own/resolved.pid"
  until busctl --system --auto-start=no status org.freedesktop.resolve1 >/dev/null 2>&1; do
    kill -0 "$(cat "$own/resolved.pid")" || { cat "$log" >&2; exit 1; }
    sleep 0.05
  done
}

case $action in
  start)
    mkdir -p "$own" /run/dbus
    mount -t tmpfs tmpfs "$own"
    mkdir "$own/upper" "$own/work"
    cp /etc/passwd /etc/group /etc/nsswitch.conf /etc/hosts "$own/upper"
    echo 'systemd-resolve:x:7053:7053::/:/usr/sbin/nologin' >>"$own/upper/passwd"
    echo 'systemd-resolve:x:7053:' >>"$own/upper/group"
    sed -i 's/^hosts:.*/hosts: files resolve [!UNAVAIL=return] dns/' "$own/upper/nsswitch.conf"
    ln -s /run/systemd/resolve/stub-resolv.conf "$own/upper/resolv.conf"
    mkdir -p "$own/upper/systemd"
    printf '[Resolve]\nFallbackDNS=\nMulticastDNS=no\n' >"$own/upper/systemd/resolved.conf"
    mount -t overlay overlay -o "lowerdir=/etc,upperdir=$own/upper,workdir=$own/work" /etc
    cat >"$own/bus.conf" <<X
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="*"/>
<allow receive_type="*"/><allow send_destination="*"/></policy></busconfig>
X
    setsid dbus-daemon --config-file="$own/bus.conf" --nofork --nopidfile </dev/null >>"$log" 2>&1 &
    echo $! >"$own/bus.pid"
    until [ -S /run/dbus/system_bus_socket ]; do sleep 0.02; done
    run_resolved
    "$packages/usr/bin/resolvectl" dns eth0 "$nameserver"
    "$packages/usr/bin/resolvectl" default-route eth0 yes
    ;;
  restart)
    end resolved
    run_resolved
    ;;
  stop)
    end resolved
    end bus
    rm -rf /run/systemd/resolve /run/dbus
    umount -l /etc
    umount -l "$own"
    ;;
esac
