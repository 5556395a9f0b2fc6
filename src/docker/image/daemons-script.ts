import { inContainer } from '#protocol/helper-port.ts';

/**
 * Both daemons of a connection, in the container that is started for it. The user daemon is its first
 * process: the end of it is the container's. `docker logs` has the root daemon's lines on standard
 * output, and the user daemon's on standard error.
 */
export const daemonsScript = `#!/bin/sh
umask 077
mkdir -p ${inContainer.stateDir}
while :; do
  root-daemon --socket ${inContainer.rootDaemonSocket} --uid 0 2>&1
  sleep 1
done &
exec user-daemon --socket ${inContainer.userDaemonSocket} \\
  --root-socket ${inContainer.rootDaemonSocket} --state-dir ${inContainer.stateDir} \\
  --executable telepresence --listen "0.0.0.0:$1" \\
  --token-file ${inContainer.tokenFile} --client "$2" --install-id "$3" >&2
`;
