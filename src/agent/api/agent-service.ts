import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';

import type { AgentConfig } from '#protocol/agent-config.ts';
import type { Agent } from '#protocol/gen/telepresence_pb.ts';

import { containerEnvironment, type Environment } from '../environment/extract.ts';
import { AgentError } from '../error.ts';

/** What a laptop may ask of a pod's agent. Nothing of what it answers is ever logged. */
export function createAgentService(deps: {
  readonly config: Pick<AgentConfig, 'containers' | 'excludedEnvironment'>;
  readonly env: Environment;
}): ServiceImpl<typeof Agent> {
  const { containers, excludedEnvironment: excluded } = deps.config;
  return {
    getEnvironment(request) {
      const container =
        request.container === ''
          ? containers[0]
          : containers.find((one) => one.name === request.container);
      if (container === undefined) {
        throw toConnectError(
          new AgentError('ContainerUnknown', `no container "${request.container}" in this pod`),
        );
      }
      const { name, envPrefix, mounts, volumes = [] } = container;
      const otherPrefixes = containers
        .map((one) => one.envPrefix)
        .filter((prefix) => prefix !== envPrefix);
      const environment = containerEnvironment(deps.env, {
        envPrefix,
        otherPrefixes,
        excluded,
      });
      return { container: name, environment, mounts, volumes };
    },
  };
}

/** The agent's failures as Connect's codes. */
function toConnectError(error: AgentError): ConnectError {
  const code = error.code === 'ContainerUnknown' ? Code.NotFound : Code.Internal;
  return new ConnectError(error.message, code, undefined, undefined, error);
}
