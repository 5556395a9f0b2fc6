/**
 * Whether a volume's path in the container, as its agent tells it, may become part of a path here:
 * absolute, and every part of it the name of a file. Whoever owns a pod can make its agent say anything.
 */
export function isVolumePath(path: string): boolean {
  const [first, ...names] = path.split('/');
  const isAbsolute = first === '' && names.length > 0;
  return isAbsolute && path.length < 4096 && names.every(isFileName);
}

/** Whether a text can be the name of a file in a directory, and of nothing else. */
export function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}
