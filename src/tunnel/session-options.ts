import type { ClientSessionOptions, ServerSessionOptions, Settings } from 'node:http2';

/** What one flow may have under way unread where nothing is known of the link. */
const streamWindowBytes = 1024 * 1024;

/** What a whole session may have under way; Node gives this credit back at once, so it bounds little. */
export const sessionWindowBytes = 64 * 1024 * 1024;

/** As many flows as anybody may want; memory is bounded by windows, not by this. */
const maxFlows = 1_000_000;

/** Settings announced by both sides. */
function settings(windowBytes = streamWindowBytes): Settings {
  return {
    initialWindowSize: windowBytes,
    maxConcurrentStreams: maxFlows,
    enablePush: false,
  };
}

/**
 * nghttp2's and Node's own limits would end a session after 1,000 resets, or 258 aborted downloads
 * (their count of memory leaks on a reset with data queued); flow control bounds us instead.
 */
const limits = {
  maxSessionMemory: 1e6,
  peerMaxConcurrentStreams: maxFlows,
} as const;

/** Options of the end that opens flows. */
export function clientSessionOptions(windowBytes: number | undefined): ClientSessionOptions {
  return { ...limits, settings: settings(windowBytes) };
}

/** Options of the end that takes flows. */
export function serverSessionOptions(windowBytes: number | undefined): ServerSessionOptions {
  return {
    ...limits,
    streamResetBurst: 1e6,
    streamResetRate: 1e6,
    maxSessionRejectedStreams: 1e9,
    maxSessionInvalidFrames: 1e9,
    settings: { ...settings(windowBytes), enableConnectProtocol: true },
  };
}
