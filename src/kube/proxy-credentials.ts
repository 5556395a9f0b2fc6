/** User and password of a proxy's address; a percent sign that stands for nothing is itself. */
export function proxyCredentials(proxy: Pick<URL, 'username' | 'password'>): {
  readonly user: Buffer;
  readonly password: Buffer;
} {
  return { user: unescaped(proxy.username), password: unescaped(proxy.password) };
}

function unescaped(text: string): Buffer {
  const latin = Buffer.from(text).toString('latin1');
  return Buffer.from(
    latin.replaceAll(/%([\da-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  );
}
