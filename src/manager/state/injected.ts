import * as v from 'valibot';
import {
  agentConfig,
  agentRequest,
  requestedName,
  type AgentConfig,
  type AgentRequest,
} from '#protocol/agent-config.ts';
import { agentRequestAnnotation } from '#protocol/resources.ts';
import { targetPorts, type Target, type TargetPort } from './target.ts';

const json = v.pipe(v.string(), v.parseJson());
const configText = v.pipe(json, agentConfig);
const requestText = v.pipe(json, agentRequest);

/** What matters here of what is taken. */
type Asked = Pick<Target, 'containerPort' | 'portName' | 'protocol' | 'whole' | 'replaces'>;

/** The configuration in the value of an agent's variable; undefined when it is none of ours. */
export function parseAgentConfig(value: string | undefined): AgentConfig | undefined {
  // In a variable's value `$$` is a dollar.
  const parsed = v.safeParse(
    configText,
    value?.replaceAll('$$', () => '$'),
  );
  return parsed.success ? parsed.output : undefined;
}

/** The ports that an agent so configured is to take; an older one's are the TCP ports of a whole container. */
export function portsTakenBy(
  agent: AgentConfig | undefined,
  target: TargetPort & Pick<Target, 'whole'>,
): readonly TargetPort[] {
  const ports = targetPorts(target);
  if (target.whole === undefined || agent?.takesReplaced === true) return ports;
  return ports.filter(({ protocol }) => protocol === 'TCP');
}

/**
 * Whether a pod with an agent so configured is as it is wanted: each port can be taken, and the container
 * that is to step aside has done so.
 */
export function agentTakes(agent: AgentConfig, target: Asked): boolean {
  const { replaces } = target;
  if (replaces !== undefined && agent.replaced?.includes(replaces) !== true) return false;
  if (agent.take === 'redirect') return true;
  // Where nobody else listens the agent does.
  if (replaces !== undefined && agent.takesReplaced === true) return true;
  return portsTakenBy(agent, target).every((port) =>
    agent.renamed.some(
      ({ appPort, protocol = 'TCP' }) =>
        appPort === port.containerPort && protocol === port.protocol,
    ),
  );
}

/** What a pod (or pod template) asks of the webhook; undefined when it asks nothing that we can read. */
export function requestOf(annotations: Readonly<Record<string, string>>): AgentRequest | undefined {
  const parsed = v.safeParse(requestText, annotations[agentRequestAnnotation]);
  return parsed.success ? parsed.output : undefined;
}

/** Whether pods made from a template with this request are as they are wanted. */
export function requestCovers(request: AgentRequest | undefined, target: Asked): boolean {
  if (request === undefined) return false;
  const { replaces } = target;
  if (replaces !== undefined && request.replace?.includes(replaces) !== true) return false;
  if (request.take === 'redirect') return true;
  if (replaces !== undefined) return true;
  return targetPorts(target).every(
    ({ portName, protocol }) =>
      portName !== undefined && request.ports.includes(requestedName(portName, protocol)),
  );
}
