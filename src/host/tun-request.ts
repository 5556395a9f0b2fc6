/** The ioctls of linux/if_tun.h that we make. */
export const tunCalls = {
  setIff: 0x400454ca,
  setOwner: 0x400454cc,
  setQueue: 0x400454d9,
} as const;

/** IFF_TUN, IFF_MULTI_QUEUE and IFF_NO_PI: whole packets and nothing before them. */
export const tunQueueFlags = 0x0001 | 0x0100 | 0x1000;
/** IFF_TAP and IFF_NO_PI: whole frames and nothing before them. */
export const tapFlags = 0x0002 | 0x1000;
/** IFF_DETACH_QUEUE */
export const detachQueue = 0x0400;

/** struct ifreq: the name in 16 bytes, then a union. */
const length = 40;

/** A request about a device, with flags. */
export function tunRequest(name: string, flags: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.write(name, 0, 15, 'latin1');
  new Uint16Array(bytes.buffer, bytes.byteOffset + 16, 1)[0] = flags;
  return bytes;
}
