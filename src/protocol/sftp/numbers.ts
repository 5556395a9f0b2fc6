/** Packet types of SFTP version 3 (draft-ietf-secsh-filexfer-02, section 3). */
export const packetTypes = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attributes: 105,
  extended: 200,
  extendedReply: 201,
} as const;

/** What a request came to (section 7). */
export const statusCodes = {
  ok: 0,
  endOfFile: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  noConnection: 6,
  unsupported: 8,
} as const;

/** How a file is opened (section 6.3). */
export const openFlags = {
  read: 1,
  write: 2,
  append: 4,
  create: 8,
  truncate: 16,
  exclusive: 32,
} as const;

/** OpenSSH's extensions that are spoken here, with the version that each has. */
export const extensions = {
  posixRename: ['posix-rename@openssh.com', '1'],
  statvfs: ['statvfs@openssh.com', '2'],
  fstatvfs: ['fstatvfs@openssh.com', '2'],
  hardlink: ['hardlink@openssh.com', '1'],
  fsync: ['fsync@openssh.com', '1'],
} as const;

/** No packet that anybody means is longer; sshfs writes 64 KiB at a time. */
export const longestPacket = 256 * 1024 + 1024;
/** No more is read at once. */
export const longestRead = 256 * 1024;
