import { run } from '../../images/command.ts';
import { builtOnce } from '../built-once.ts';

const version = 'v3.22.0';

/** The real helm: from the cache, or built now, which takes some minutes the first time. */
export async function buildHelm(signal: AbortSignal): Promise<string> {
  return await builtOnce({ key: `helm-${version}`, program: 'helm' }, async (directory) => {
    await run(['go', 'install', '-ldflags=-s -w', `helm.sh/helm/v3/cmd/helm@${version}`], {
      env: { ...process.env, GOBIN: directory, CGO_ENABLED: '0' },
      signal,
    });
  });
}
