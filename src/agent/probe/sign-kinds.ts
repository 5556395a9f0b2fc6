/** What the first bytes of a connection say about who opened it. */
export type Sign =
  /** The kubelet: a probe, or a hook of the container's lifecycle. */
  | 'kubelet'
  | 'other'
  /** That cannot be told before more has come. */
  | 'more'
  /** An HTTP/2 client that may say nothing more before the server has spoken, as gRPC's in Go. */
  | 'waits';
