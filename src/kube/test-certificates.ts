import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** For tests: a certificate of its own authority, for a client and for `names` (`DNS:a,IP:::1`). */
export function selfSigned(subject: string, names: string): TestCertificate {
  const folder = mkdtempSync(path.join(tmpdir(), 'certificates-'));
  try {
    const [cert, key] = [path.join(folder, 'cert'), path.join(folder, 'key')];
    const kind = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2';
    const made = spawnSync(
      'openssl',
      ['req', '-x509', '-keyout', key, '-out', cert, '-subj', subject].concat(kind.split(' '), [
        '-addext',
        `subjectAltName=${names}`,
      ]),
    );
    if (made.status !== 0) throw new Error(`openssl: ${String(made.stderr)}`);
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
