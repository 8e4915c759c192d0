import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Whether a folder of `PATH` has a program of this name. */
export function isInPath(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return folder !== ''
    } catch {
      return false
    }
  })
}
