import { connectionOf, laptopOf } from './test-relay.ts';

/** For tests: two laptops that the relay knows, and the Intercept of the first one's. */
export const alice = laptopOf('alice-1', 'aaaaaaaa-0000-4000-8000-000000000001');
export const bob = laptopOf('bob-1', 'bbbbbbbb-0000-4000-8000-000000000001');
export const connections = [connectionOf(alice), connectionOf(bob)];
export const pod = { namespace: 'shop', pod: 'hello-1', podUid: 'pod-1' };
export const hello = {
  uid: 'cccccccc-0000-4000-8000-000000000001',
  connectionUid: alice.uid,
  namespace: 'shop',
  podUids: [pod.podUid],
};
