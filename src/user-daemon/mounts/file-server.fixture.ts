import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { duplexPair, type Duplex } from 'node:stream';
import { statusCodes, packetTypes } from '#protocol/sftp/numbers.ts';
import { createPacketReader } from '#protocol/sftp/packets.ts';
import { encodeReply, encodeVersion, type SftpReply } from '#protocol/sftp/reply.ts';
import { readRequest, type SftpRequest } from '#protocol/sftp/request.ts';

/**
 * For tests: an SFTP server that reads a directory, as trusting as can be (the real one is the agent's,
 * which this room does not know).
 * `lie` may answer in its place.
 */
export function serveDirectory(
  root: string,
  lie: (request: SftpRequest) => SftpReply | undefined = () => undefined,
): Duplex {
  const [stream, server] = duplexPair();
  const packets = createPacketReader();
  const listed = new Set<string>();
  const status = (code: number): SftpReply => ({ kind: 'status', code, message: '' });
  const attributesOf = (path: string) => {
    const { size, mode, mtimeMs } = lstatSync(path);
    return { size, mode, times: { accessed: 0, modified: Math.floor(mtimeMs / 1000) } };
  };
  const answer = (request: SftpRequest): SftpReply => {
    if (request.kind === 'lstat') {
      return { kind: 'attributes', attributes: attributesOf(root + request.path) };
    }
    if (request.kind === 'readlink') {
      const name = readlinkSync(root + request.path);
      return { kind: 'names', names: [{ name, attributes: {} }] };
    }
    if (request.kind === 'open' || request.kind === 'opendir') {
      lstatSync(root + request.path);
      return { kind: 'handle', handle: request.path };
    }
    if (request.kind === 'read') {
      const all = readFileSync(root + request.handle);
      const data = all.subarray(request.offset, request.offset + request.length);
      return data.length === 0 ? status(statusCodes.endOfFile) : { kind: 'data', data };
    }
    if (request.kind === 'readdir') {
      const path = root + request.handle;
      if (listed.delete(path)) return status(statusCodes.endOfFile);
      listed.add(path);
      const names = readdirSync(path).map((name) => ({
        name,
        attributes: attributesOf(`${path}/${name}`),
      }));
      return { kind: 'names', names };
    }
    return status(request.kind === 'close' ? statusCodes.ok : statusCodes.unsupported);
  };
  server.on('error', () => {});
  stream.on('error', () => {});
  stream.once('close', () => server.destroy());
  server.on('data', (chunk: Buffer) => {
    for (const packet of packets.push(chunk)) {
      if (packet.type === packetTypes.init) {
        server.write(encodeVersion());
        continue;
      }
      const { id, request } = readRequest(packet);
      let reply: SftpReply;
      try {
        reply = lie(request) ?? answer(request);
      } catch {
        reply = status(statusCodes.noSuchFile);
      }
      server.write(encodeReply(id, reply));
    }
  });
  return stream;
}

/** For tests: writes a volume as the kubelet does, or brings it up to date. */
export function writeVolume(path: string, files: Readonly<Record<string, string>>): void {
  const script = `set -e
    mkdir -p "$1"; cd "$1"; before=$(readlink ..data || true); now=$(mktemp -d ..2026_XXXXXX); shift
    while [ $# -gt 0 ]; do printf %s "$2" >"$now/$1"; ln -sfn "..data/$1" "$1"; shift 2; done
    ln -s "$now" ..data_tmp; mv -T ..data_tmp ..data
    for name in *; do [ -e "$name" ] || rm "$name"; done
    [ -z "$before" ] || rm -r "$before"`;
  execFileSync('sh', ['-c', script, 'sh', path, ...Object.entries(files).flat()]);
}
