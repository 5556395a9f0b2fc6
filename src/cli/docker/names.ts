/** What a connection and its containers are called. */
export interface DockerNames {
  readonly connection: string;
  /** Whose network handlers join. */
  readonly sandbox: string;
  readonly daemon: string;
}

/**
 * `tp-NAME` and `tp-NAME-daemon`; without a name `tp-CONTEXT-NAMESPACE-cn` and `tp-CONTEXT`. A second
 * connection of a context names its daemon after the namespace too.
 */
export function dockerNames(
  of: {
    readonly name: string;
    readonly context: string;
    readonly namespace: string;
  },
  taken: (daemon: string) => boolean,
): DockerNames {
  if (of.name !== '') {
    const name = dockerName(of.name);
    return { connection: name, sandbox: `tp-${name}`, daemon: `tp-${name}-daemon` };
  }
  const connection = dockerName(`${of.context}-${of.namespace}`);
  const daemon = `tp-${dockerName(of.context)}`;
  return {
    connection,
    sandbox: `tp-${connection}-cn`,
    daemon: taken(daemon) ? `tp-${connection}` : daemon,
  };
}

/** As Docker wants names of containers; a context may be an ARN, or `user@cluster`. */
function dockerName(text: string): string {
  const name = text.replaceAll(/[^a-zA-Z0-9_.-]+/g, '-').replace(/^[^a-zA-Z0-9]+/, '');
  return name === '' ? 'connection' : name;
}
