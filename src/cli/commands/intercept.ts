import type { InterceptEvent, InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import { modeNamed, type InterceptMode } from '#protocol/intercept-mode.ts';
import type { FoundConfig } from '../config/client-config.ts';
import { heededConfig } from '../config/heeded-config.ts';
import type { CliContext } from '../context.ts';
import { openConnection, refuseBesideHost } from '../daemon/open-connection.ts';
import { call, findDaemon, follow, type FoundDaemon } from '../daemon/session.ts';
import { findDockerDaemon } from '../docker/helpers.ts';
import { readHandlerAsked } from '../handler/handler-asked.ts';
import { openHandler, prepareHandler } from '../handler/handler.ts';
import { endedSentence, runHandler } from '../handler/run-handler.ts';
import {
  parseHandlerPort,
  refuseContainerPort,
  withoutContainerPort,
} from '../parse/handler-port.ts';
import { parseInterceptPort } from '../parse/intercept-port.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import { handlerLines, interceptedLines } from '../output/intercept-block.ts';
import { attachmentObject } from '../output/workload-object.ts';
import { nobodyListens } from '../output/nobody-listens.ts';
import { CliError } from '../errors.ts';
import { dockerMountRoot, type VolumePlan } from '../handler/volumes/plan-volumes.ts';
import { runCommand } from '../run-command.ts';
import type { RunCommand } from './command-spec.ts';
import { readEnvironmentFiles, writeEnvironment } from './environment-files.ts';
import {
  readInterceptRequest,
  readReplaceRequest,
  type InterceptAsked,
} from './intercept-request.ts';

/** `telepresence intercept NAME [-- COMMAND]` */
export const runIntercept: RunCommand = async (context, line) =>
  await attach(context, line, 'intercept');

/** `telepresence wiretap NAME [-- COMMAND]` */
export const runWiretap: RunCommand = async (context, line) =>
  await attach(context, line, 'wiretap');

/** `telepresence ingest WORKLOAD [-- COMMAND]` */
export const runIngest: RunCommand = async (context, line) => await attach(context, line, 'ingest');

async function attach(context: CliContext, line: ParsedLine, mode: InterceptMode): Promise<number> {
  const settings = await heededConfig(context);
  const request = readInterceptRequest(line, {
    defaultPort: settings.config.intercept.defaultPort,
    cwd: context.cwd,
    mode,
  });
  return await standIn(context, line, { command: mode, request, settings });
}

/** `telepresence replace NAME [-- COMMAND]` */
export const runReplace: RunCommand = async (context, line) => {
  const settings = await heededConfig(context);
  const request = readReplaceRequest(line, context.cwd);
  return await standIn(context, line, { command: 'replace', request, settings });
};

/** What a command asks for. */
interface Engagement {
  readonly command: InterceptMode | 'replace';
  readonly request: InterceptAsked;
  readonly settings: FoundConfig;
}

/** Has it made, tells of it, and runs what stands in: a command, a container, or nothing of ours. */
async function standIn(
  context: CliContext,
  line: ParsedLine,
  engagement: Engagement,
): Promise<number> {
  const { command } = engagement;
  const files = readEnvironmentFiles(line);
  const asked = readHandlerAsked(line);
  const opened = asked && (await openHandler(context, asked));
  const refuse = (): void =>
    refuseWhatIsNotInDocker(line, engagement.request, { hasHandler: asked !== undefined });
  if (line.on('docker')) refuse();
  const { daemon, inDocker } = await connectedDaemon(context, engagement, line.on('docker'));
  if (inDocker !== undefined) refuse();
  const placed = placePort(engagement.request, {
    isBesideHost: asked !== undefined && inDocker === undefined,
  });
  const { request } = placed;
  const { mount } = request;
  const root = dockerMountRoot(line, mount);
  const typedRoot = line.text('docker-mount') || undefined;
  const volumes = mount && { readOnly: mount.readOnly, root, typedRoot };
  const where = { ...of({ ...engagement, request }), ...placed, inDocker, volumes, daemon };
  await using handler = opened && (await prepareHandler(context, opened, where));
  // While something runs here, this stream is what the daemon knows of us: killed, we cannot say goodbye.
  const hold = line.command !== undefined;
  const events = daemon.intercept(
    { ...withMountOf(request, inDocker !== undefined, handler?.volumes), hold },
    { signal: context.signal },
  );
  const info = await follow<InterceptEvent, InterceptInfo>(context, events, ({ event }) => {
    if (event.case === 'progress') return { progress: event.value };
    if (event.case === 'warning') return { warning: event.value };
    return event.case === 'active' ? { result: event.value } : undefined;
  });
  const leave = async (): Promise<void> => {
    await call(async () => await daemon.leave({ name: info.name, id: info.id }));
  };
  if (info.files !== undefined && handler?.volumes !== undefined) {
    info.environment['TELEPRESENCE_ROOT'] = handler.volumes.root;
  }
  if (handler?.besideHost?.volumes?.root !== undefined && info.mountPoint !== '') {
    info.environment['TELEPRESENCE_ROOT'] = handler.besideHost.volumes.root;
  }
  try {
    await writeEnvironment(context, { ...files, command }, info.environment);
  } catch (error) {
    await leave();
    throw error;
  }
  const text = handler === undefined ? interceptedLines(info) : handlerLines(info);
  const object = line.on('detailed-output') ? attachmentObject(info) : undefined;
  context.show({ text, ...(object === undefined ? {} : { object, bare: true }) });
  if (line.command === undefined) {
    // Most begin their program after this; a script knows what it does.
    if (context.interactive && inDocker === undefined)
      for (const why of await nobodyListensYet(info)) context.warn(why);
    return 0;
  }
  // The last that is told is why it has ended.
  const ended = events.next().then(
    ({ value }) => (value?.event.case === 'progress' ? value.event.value : ''),
    () => '',
  );
  const message = line.text('wait-message');
  const onStart = (): void => {
    if (message !== undefined) context.print(message);
  };
  let isOver = false;
  let wanted = true;
  void ended.then((why) => {
    wanted = false;
    if (isOver || handler !== undefined) return;
    context.warn(`telepresence ${command}: warning: ${endedSentence(info, why)}`);
  });
  try {
    return handler === undefined
      ? await runCommand(context, line.command, info.environment, onStart)
      : await runHandler(context, handler, { info, ended, onStart });
  } finally {
    isOver = true;
    if (wanted) await leave();
  }
}

/** `--port` has another meaning where a container answers beside a daemon of this machine. */
function placePort(
  request: InterceptAsked,
  { isBesideHost }: { readonly isBesideHost: boolean },
): {
  readonly request: InterceptAsked;
  readonly containerPort: number | undefined;
  readonly address: string;
} {
  const { port: typed, address } = request;
  if (typed === '') return { request, containerPort: undefined, address };
  if (!isBesideHost) {
    refuseContainerPort(typed);
    return { request, containerPort: undefined, address };
  }
  const port = parseHandlerPort(typed);
  const asked = { ...request, port: withoutContainerPort(port) };
  return { request: asked, containerPort: port.container, address };
}

/** What a handler's container is named after. */
function of({ command, request }: Engagement): {
  readonly command: Engagement['command'];
  readonly name: string;
  readonly port: number | undefined;
} {
  const { name, port } = request;
  return { command, name, port: port === '' ? undefined : parseInterceptPort(port).laptop };
}

async function nobodyListensYet(info: InterceptInfo): Promise<string[]> {
  const { targetHost: host, targetPort, protocol, wholeContainer, ports } = info;
  const mode = modeNamed(info.mode);
  if (mode === 'ingest') return [];
  const targets = wholeContainer ? ports : [{ target: targetPort, protocol }];
  const said = new Set<string>();
  for (const one of targets) {
    const isUdp = one.protocol === 'UDP';
    const port = { port: one.target, protocol: isUdp ? 'UDP' : 'TCP' } as const;
    if (!(await nobodyListens(host, port))) continue;
    const refused = mode === 'wiretap' ? 'the copies are thrown away' : 'requests are refused';
    const lost = isUdp ? 'datagrams are lost' : refused;
    said.add(
      `nothing listens on ${host}:${String(one.target)}${isUdp ? '/UDP' : ''} of this machine yet: until something does, ${lost}`,
    );
  }
  return [...said];
}

/** The daemon, connected: for those who are not yet, as `connect` without flags would. */
async function connectedDaemon(
  context: CliContext,
  { command, settings }: Pick<Engagement, 'command' | 'settings'>,
  wantsDocker: boolean,
): Promise<FoundDaemon> {
  const { signal } = context;
  const running = await findDaemon(context);
  if (running !== undefined) {
    const { daemon, inDocker } = running;
    const { connection } = await call(async () => await daemon.status({}, { signal }));
    // Also where it is lost: what is to be done then is the daemon's to say.
    if (connection !== undefined && (inDocker !== undefined || !wantsDocker)) return running;
    if (connection !== undefined) await refuseBesideHost(context);
  }
  context.warn(
    `Warning: You are executing the "telepresence ${command}" command without a preceding "telepresence connect", ` +
      'causing an implicit connect to take place. The implicit connect behavior is deprecated and will be removed in a future release.',
  );
  const managerNamespace = context.env['TELEPRESENCE_MANAGER_NAMESPACE'] ?? '';
  const options = { found: settings, inDocker: wantsDocker };
  const { daemon } = await openConnection(context, { managerNamespace }, options);
  return { daemon, inDocker: wantsDocker ? await findDockerDaemon(context) : undefined };
}

/** With the daemon in a container, traffic and files are in its network and nowhere on this machine. */
function refuseWhatIsNotInDocker(
  line: ParsedLine,
  { mode, mount }: InterceptAsked,
  { hasHandler }: { readonly hasHandler: boolean },
): void {
  if (line.command !== undefined && mode !== 'ingest' && !hasHandler) {
    throw new CliError(
      'Usage',
      'a command after -- runs on this machine, and the traffic goes to the daemon’s container',
      {
        hint: 'run it in a container: --docker-run -- IMAGE; or connect without --docker',
      },
    );
  }
  if (line.given('mount') && mount !== undefined && !hasHandler) {
    throw new CliError('Usage', '--mount: a daemon in a container does not show volumes', {
      hint: 'leave --mount out, or connect without --docker',
    });
  }
}

/** What is mounted in the daemon's container is seen by nobody else: its files are served to volumes. */
function withMountOf(
  request: InterceptAsked,
  inDocker: boolean,
  plan: VolumePlan | undefined,
): InterceptAsked {
  if (!inDocker) return request;
  const { mount: _nowhere, ...rest } = request;
  if (plan === undefined) return rest;
  return { ...rest, mount: { path: '', readOnly: plan.readOnly, serveOn: plan.serveOn } };
}
