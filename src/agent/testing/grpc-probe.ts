/**
 * For tests: what the kubelet 1.36 sends for a gRPC probe, word for word. First its preface and
 * settings; the rest only after the server's settings: an acknowledgement, headers, data.
 */
export const grpcProbe = {
  opening: Buffer.from('505249202a20485454502f322e300d0a0d0a534d0d0a0d0a000000040000000000', 'hex'),
  request: Buffer.from(
    '00000004010000000000007d01040000000183864595626b2b22f394742675fb857c651d099d8bd3949d7f' +
      '418c0817134d2e05d972e3c0785f5f8b1d75d0620d263d4c4d65647a96eb6c655abb0f19580aecb8a4d656' +
      '45a63b015dd7d76740027465864d833505b11f408e9acac8b0c842d6958b510f21aa9b839bd9ab40899aca' +
      'c8b24d494f6a7f867df79a65db7f00000b00010000000100000000060a046c697665',
    'hex',
  ),
  /** The request's message, which follows its headers. */
  bytesAfterHeaders: 9 + 11,
} as const;
