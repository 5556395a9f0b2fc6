import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { LevelSwitch, Logger } from '#base/log.ts';
import { agentsService, type ManagerConfig } from '#install/manager-config.ts';
import { identitySecret } from '#install/manager-rights.ts';
import { managerName } from '#install/manifest.ts';
import { webhookPath } from '#install/webhook-configuration.ts';
import type { KubeClient } from '#kube/client.ts';
import { startController } from './controller/controller.ts';
import type { ClusterDns } from './controller/dns-lookup.ts';
import { atFirstContact } from './controller/first-contact.ts';
import { loadIdentity } from './controller/identity-secret.ts';
import { keepRelayProcess } from './controller/relay-process.ts';
import { serveControllerSocket } from './controller/socket-server.ts';
import { keepWebhookCa } from './controller/webhook-ca.ts';
import { createLeaf, type Certificate } from './identity/certificate.ts';
import type { Holder } from './state/lease.ts';
import type { InjectorConfig } from './webhook/agent-containers.ts';
import { serveWebhook } from './webhook/server.ts';

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly level: LevelSwitch;
}

interface Options {
  readonly config: ManagerConfig;
  readonly dns: ClusterDns;
  /** Which of the managers this is. */
  readonly own: Holder;
  /** Where the controller's socket is. */
  readonly folder: string;
  /** This pod's addresses. */
  readonly ownAddresses: readonly string[];
  /** How the relay is started. */
  readonly relayCommand: readonly [string, ...string[]];
  /** Asks for an orderly end. */
  readonly signal: AbortSignal;
}

const dayMs = 86_400_000;
// Made anew at each start; a manager that runs for two years would have to be restarted.
const leafDays = 731;

/**
 * Runs the manager until it is asked to end: then another one writes from now on, while this one goes
 * on for as long as its relay needs to send everybody elsewhere.
 */
export async function runManager(deps: Deps, options: Options): Promise<void> {
  const { clock, log } = deps;
  const { config } = options;
  const life = new AbortController();
  const { signal } = life;
  const giveUp = (): void => life.abort(options.signal.reason);
  options.signal.throwIfAborted();
  options.signal.addEventListener('abort', giveUp, { once: true });
  const { namespace } = config;
  const identity = await atFirstContact(
    deps,
    signal,
    async (asking) =>
      await loadIdentity(
        { ...deps, randomBytes, now: () => clock.now() },
        { namespace, name: identitySecret, signal: asking },
      ),
  );
  const now = clock.now();
  const leaf = (...services: readonly string[]): Certificate =>
    createLeaf(
      { randomBytes },
      {
        authority: identity.authority,
        commonName: managerName,
        names: services.flatMap((name) => [
          name,
          `${name}.${namespace}`,
          `${name}.${namespace}.svc`,
          `${name}.${namespace}.svc.${options.dns.domain}`,
        ]),
        notBefore: new Date(now - dayMs),
        notAfter: new Date(now + leafDays * dayMs),
      },
    );
  const injector = injectorConfig(config, identity.authority.cert);

  await using stack = new AsyncDisposableStack();
  stack.defer(() => life.abort(new Error('the manager has ended')));
  if (config.injector.enabled) {
    stack.use(
      await serveWebhook(
        { log: log.child({ part: 'webhook' }) },
        {
          tls: leaf(config.injector.service),
          port: config.ports.webhook,
          path: webhookPath,
          config: injector,
        },
      ),
    );
    stack.use(
      await keepWebhookCa(deps, {
        name: config.injector.configuration,
        ca: identity.authority.cert,
        signal,
      }),
    );
  }
  const controller = stack.use(
    await startController(deps, {
      config,
      injector,
      publicKey: identity.signer.publicKey,
      ca: identity.authority.cert,
      dns: options.dns,
      own: options.own,
      signal,
    }),
  );
  // From here on an end is an orderly one.
  options.signal.removeEventListener('abort', giveUp);
  options.signal.throwIfAborted();
  const abdicate = (): void => void controller.abdicate();
  options.signal.addEventListener('abort', abdicate, { once: true });
  const socketPath = path.join(options.folder, 'controller.sock');
  await mkdir(options.folder, { recursive: true });
  await rm(socketPath, { force: true });
  stack.use(
    await serveControllerSocket(deps, { path: socketPath, services: controller.services, signal }),
  );
  log.info('manager ready', { version: config.version, namespace });
  await keepRelayProcess(deps, {
    command: options.relayCommand,
    settings: {
      socketPath,
      ports: { api: config.ports.api, agents: config.ports.agents },
      tls: leaf(managerName, agentsService),
      managerKey: identity.signer.exportJwk(),
      ownAddresses: [...options.ownAddresses],
      logLevel: config.logLevel,
    },
    signal: options.signal,
  });
}

/** What the webhook puts into pods. */
function injectorConfig(config: ManagerConfig, ca: string): InjectorConfig {
  return {
    image: config.agent.image,
    pullPolicy: config.agent.pullPolicy,
    resources: config.agent.resources,
    initResources: config.agent.initResources,
    securityContext: config.agent.securityContext,
    excludedEnvironment: config.agent.excludedEnvironment,
    logLevel: config.agent.logLevel,
    manager: {
      host: `${agentsService}.${config.namespace}.svc`,
      port: config.ports.agents,
    },
    ca: [ca],
  };
}
