import * as v from 'valibot';
import {
  agentConfig,
  agentRequest,
  requestedName,
  type AgentConfig,
  type AgentRequest,
  type PortProtocol,
} from '#protocol/agent-config.ts';
import { agentRequestAnnotation } from '#protocol/resources.ts';

const json = v.pipe(v.string(), v.parseJson());
const configText = v.pipe(json, agentConfig);
const requestText = v.pipe(json, agentRequest);

/** A container's port, by number and by the name by which its Service finds it. */
export interface PortAsked {
  readonly containerPort: number;
  readonly portName: string | undefined;
  readonly protocol: PortProtocol;
}

/** The configuration in the value of an agent's variable; undefined when it is none of ours. */
export function parseAgentConfig(value: string | undefined): AgentConfig | undefined {
  // In a variable's value `$$` is a dollar.
  const parsed = v.safeParse(
    configText,
    value?.replaceAll('$$', () => '$'),
  );
  return parsed.success ? parsed.output : undefined;
}

/** Whether an agent so configured can take the port. */
export function agentTakes(agent: AgentConfig, port: PortAsked): boolean {
  if (agent.take === 'redirect') return true;
  return agent.renamed.some(
    ({ appPort, protocol = 'TCP' }) => appPort === port.containerPort && protocol === port.protocol,
  );
}

/** What a pod (or pod template) asks of the webhook; undefined when it asks nothing that we can read. */
export function requestOf(annotations: Readonly<Record<string, string>>): AgentRequest | undefined {
  const parsed = v.safeParse(requestText, annotations[agentRequestAnnotation]);
  return parsed.success ? parsed.output : undefined;
}

/** Whether pods made from a template with this request get an agent that can take the port. */
export function requestCovers(request: AgentRequest | undefined, port: PortAsked): boolean {
  if (request === undefined) return false;
  if (request.take === 'redirect') return true;
  const { portName, protocol } = port;
  return portName !== undefined && request.ports.includes(requestedName(portName, protocol));
}
