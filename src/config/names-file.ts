/** Whether the last part of a path is a name. After a slash, or for `.` and `..`, only a folder can be there. */
export function namesFile(path: string): boolean {
  return !/(?:^|\/)\.{0,2}$/.test(path) && !path.includes('\0')
}
