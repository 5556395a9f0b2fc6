import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.ts';

/** Pods of namespaces whose name begins so can open no connection; there is no other policy. */
export const denyEgressPrefix = 'deny-egress';

/** The name of the plugin that gives pods their network. */
export const podNetworkPlugin = 'playground-ptp';

const table = 'inet playground-policy';
const plugins = '/usr/lib/cni';

/** The node's rules: what comes from a pod in the set is dropped, unless it answers. */
export const denyEgressRules = `
  table ${table} {
    set denied { type ipv4_addr; }
    set denied6 { type ipv6_addr; }
    chain from-pods {
      type filter hook prerouting priority mangle; policy accept;
      ip saddr @denied ct state new drop
      ip6 saddr @denied6 ct state new drop
    }
  }`;

/**
 * Makes a directory of CNI plugins in which `ptp` is wrapped: before the first process of a pod
 * starts, its address is in the set or out of it. So no connection is opened before the rule is
 * there, which a watcher of pods could not promise.
 */
export async function writeCniPlugins(layout: Layout): Promise<string> {
  const directory = join(layout.state, 'cni');
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(plugins)) {
    await symlink(join(plugins, name), join(directory, name)).catch(() => {});
  }
  const path = join(directory, podNetworkPlugin);
  await writeFile(path, wrapper);
  await chmod(path, 0o755);
  return directory;
}

const wrapper = `#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
# A pod's addresses are its own: without this each pod would wait a second or two to be sure.
if [ "$CNI_COMMAND" = ADD ]; then
  nsenter --net="$CNI_NETNS" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad' || :
fi
out=$(${plugins}/ptp) || { status=$?; printf '%s\\n' "$out"; exit $status; }
printf '%s\\n' "$out"
[ "$CNI_COMMAND" = ADD ] || exit 0
find() { printf '%s' "$out" | tr -d ' \\n\\t' | grep -o '"ips":\\[[^]]*\\]' | grep -o "\\"address\\":\\"$1/" | cut -d '"' -f 4 | cut -d / -f 1; }
v4=$(find '[0-9.]*') v6=$(find '[0-9a-f:]*:[0-9a-f:]*')
case ";$CNI_ARGS;" in
  *';K8S_POD_NAMESPACE=${denyEgressPrefix}'*)
    nft add element ${table} denied "{ $v4 }" >&2
    nft add element ${table} denied6 "{ $v6 }" >&2
    ;;
  # Another pod had these addresses.
  *)
    nft delete element ${table} denied "{ $v4 }" 2>/dev/null || :
    nft delete element ${table} denied6 "{ $v6 }" 2>/dev/null || :
    ;;
esac
`;
