import { runsOnBun } from '../../lib/host/runtime.ts'

/** The program that runs dray, with its version: `node-v24.21.0`, `bun-1.4.5`. */
export function hostVersion(): string {
  const { bun } = process.versions
  return bun === undefined ? `node-${process.version}` : `bun-${bun}`
}

/**
 * The command that starts this program again: the file that Node runs, or the executable that Bun
 * built. Arguments of dray follow.
 */
export function ownCommand(): readonly [program: string, ...args: readonly string[]] {
  const [, file] = process.argv
  const isExecutable = runsOnBun || file === undefined
  return [process.execPath, ...(isExecutable ? [] : [file])]
}
