// The ways to the manager's pod, from the laptop through a real API server and kubelet.
import { after, before, test } from 'node:test';
import { startPodServer, testOnLaptop, type PodServer } from './kube/fixture.ts';
import { prepare } from './prepare.ts';

const namespace = 'e2e-kube-paths';
const signal = AbortSignal.timeout(600_000);
let pod: PodServer;

before(async () => {
  await prepare();
  pod = await startPodServer(namespace, signal);
});
after(async () => {
  await pod[Symbol.asyncDispose]();
});

for (const file of ['upgrade', 'port-forward', 'dial-relay']) {
  test(`on the laptop: ${file}`, async () => {
    const env = { E2E_NAMESPACE: namespace, E2E_CERT: pod.cert };
    await testOnLaptop(`${file}.laptop.ts`, { env });
  });
}
