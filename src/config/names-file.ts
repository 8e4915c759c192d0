/**
 * Whether the last part of a path is a name. A path that ends in a slash, `.` or `..` is a folder.
 */
export function namesFile(path: string): boolean {
  return !/(?:^|\/)\.{0,2}$/.test(path) && !path.includes('\0')
}
