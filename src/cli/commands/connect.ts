import { containerNotice } from '../daemon/daemon-place.ts';
import { openConnection } from '../daemon/open-connection.ts';
import { call } from '../daemon/session.ts';
import { endDockerConnection } from '../docker/end-docker.ts';
import { CliError } from '../errors.ts';
import { readExposedPorts, readHostname } from '../parse/exposed-port.ts';
import { readMappedNamespaces, readNamespace } from '../parse/namespace-name.ts';
import { readSubnets } from '../parse/subnet.ts';
import { readProxyVia, readVnat } from '../parse/virtual-subnet.ts';
import { runCommand } from '../run-command.ts';
import type { RunCommand } from './command-spec.ts';
import { readKubeFlags } from './kube-flags.ts';

/** `telepresence connect [-- COMMAND]` */
export const runConnect: RunCommand = async (context, line) => {
  const { command } = line;
  const inDocker = line.on('docker');
  const sandbox = { exposedPorts: readExposedPorts(line), hostname: readHostname(line) };
  for (const name of inDocker ? [] : ['expose', 'hostname'])
    if (line.given(name)) throw onlyInDocker(name);
  const asked = {
    alsoProxy: readSubnets(line, 'also-proxy'),
    neverProxy: readSubnets(line, 'never-proxy'),
    allowConflictingSubnets: readSubnets(line, 'allow-conflicting-subnets'),
    vnat: readVnat(line),
    proxyVia: readProxyVia(line),
    mappedNamespaces: readMappedNamespaces(line),
    allMapped: line.given('mapped-namespaces'),
    kube: await readKubeFlags(context, line),
    managerNamespace:
      readNamespace(line, 'manager-namespace') ??
      context.env['TELEPRESENCE_MANAGER_NAMESPACE'] ??
      '',
    name: line.text('name') ?? '',
    // While a command runs, this call is what the daemon knows of us: killed, we cannot say goodbye.
    hold: command !== undefined,
  };
  const notice = containerNotice(context.places.platform, line);
  if (notice !== undefined) context.warn(notice);
  const { daemon, info, events } = await openConnection(context, asked, { inDocker, sandbox });
  if (command === undefined) return 0;
  let wanted = !info.alreadyConnected;
  const onEnd = (): void => {
    if (!wanted) return;
    wanted = false;
    context.warn('telepresence connect: warning: the connection has ended');
  };
  if (wanted) events.next().then(onEnd, onEnd);
  try {
    return await runCommand(context, command, {});
  } finally {
    // A connection that was there before is somebody else's to end.
    if (wanted) {
      wanted = false;
      if (inDocker) await endDockerConnection(context, daemon);
      else await call(async () => await daemon.disconnect({}));
    }
  }
};

function onlyInDocker(name: string): CliError {
  return new CliError('Usage', `--${name} is of a daemon in a container`, {
    hint: `add --docker, or leave --${name} out`,
  });
}
