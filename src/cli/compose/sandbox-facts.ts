import type { DockerCommand } from '#docker/command.ts';
import { networkName } from '#docker/ours.ts';

/** The address of a connection's container in the network of all connections. */
export async function sandboxAddress(
  docker: DockerCommand,
  sandbox: string,
  signal: AbortSignal,
): Promise<string> {
  const format = `{{with index .NetworkSettings.Networks "${networkName}"}}{{.IPAddress}}{{end}}`;
  const { stdout } = await docker.run(['inspect', '--format', format, sandbox], { signal });
  return stdout.trim();
}

/** Where the machine itself is for containers, as Docker means `host-gateway`. */
export async function hostGateway(
  docker: DockerCommand,
  signal: AbortSignal,
): Promise<string | undefined> {
  const format = '{{range .IPAM.Config}}{{println .Gateway}}{{end}}';
  const asked = ['network', 'inspect', '--format', format, 'bridge'];
  const { stdout } = await docker.run(asked, { signal, mayFail: true });
  return stdout
    .split('\n')
    .find((line) => /^\d+\.\d+\.\d+\.\d+$/.test(line.trim()))
    ?.trim();
}
