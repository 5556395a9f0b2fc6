import type { DockerCommand } from './command.ts';
import { parseEngineFacts, type EngineFacts } from './engine-facts.ts';
import { DockerError } from './errors.ts';
import { architectures, type Architecture } from './image/archive.ts';

/** Long for an engine that is busy, and short for one that is stopped. */
const usualMs = 20_000;

/** Asks the engine what it is; throws where it cannot be asked, in one sentence. */
export async function readEngine(
  deps: { readonly docker: DockerCommand; readonly answerMs?: number },
  signal: AbortSignal,
): Promise<EngineFacts> {
  const { docker, answerMs = usualMs } = deps;
  const late = AbortSignal.timeout(answerMs);
  const options = { signal: AbortSignal.any([signal, late]) };
  const json = '{{json .}}';
  try {
    const maybe = { ...options, mayFail: true };
    const [version, info, context] = await Promise.all([
      docker.run(['version', '--format', json], options),
      docker.run(['info', '--format', json], maybe),
      docker.run(['context', 'inspect', '--format', '{{json .Endpoints.docker.Host}}'], maybe),
    ]);
    return parseEngineFacts({
      version: version.stdout,
      info: info.stdout,
      endpoint: context.stdout,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!late.aborted) throw error;
    const seconds = String(answerMs / 1000);
    throw new DockerError(
      'Unreachable',
      `Docker has not answered within ${seconds} s (${docker.path})`,
      {
        cause: error,
        hint: 'look whether this answers: docker version',
      },
    );
  }
}

/** The engine's processor, where there are images of ours for it and it runs Linux containers. */
export function architectureFor(facts: EngineFacts): Architecture {
  if (facts.os !== 'linux') {
    throw new DockerError(
      'EngineUnfit',
      `the Docker Engine runs ${facts.os} containers, and ours are Linux`,
      {
        hint: 'switch Docker Desktop to Linux containers',
      },
    );
  }
  const found = architectures.find((name) => name === facts.architecture);
  if (found !== undefined) return found;
  const ours = architectures.join(' and ');
  throw new DockerError(
    'EngineUnfit',
    `the Docker Engine's processor is ${facts.architecture}; there are images for ${ours} only`,
  );
}
