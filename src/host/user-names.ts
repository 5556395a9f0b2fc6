/** The name of a user as /etc/passwd has it; `user 1000` for one that is only in a directory service. */
export function nameOfUser(passwd: string, uid: number): string {
  for (const line of passwd.split('\n')) {
    const [name, , id] = line.split(':');
    if (name !== undefined && name !== '' && id === String(uid)) return name;
  }
  return `user ${uid}`;
}
