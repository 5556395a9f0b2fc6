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
    chain from-pods {
      type filter hook prerouting priority mangle; policy accept;
      ip saddr @denied ct state new drop
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
out=$(${plugins}/ptp) || { status=$?; printf '%s\\n' "$out"; exit $status; }
printf '%s\\n' "$out"
[ "$CNI_COMMAND" = ADD ] || exit 0
address=$(printf '%s' "$out" | tr -d ' \\n\\t' | sed -n 's/.*"ips":\\[{[^]]*"address":"\\([0-9.]*\\)\\/.*/\\1/p')
case ";$CNI_ARGS;" in
  *';K8S_POD_NAMESPACE=${denyEgressPrefix}'*) nft add element ${table} denied "{ $address }" >&2 ;;
  # Another pod had this address.
  *) nft delete element ${table} denied "{ $address }" 2>/dev/null || : ;;
esac
`;
