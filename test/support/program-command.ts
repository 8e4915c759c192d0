import { join, resolve } from 'node:path'
import { bunVersion } from '../../scripts/release/binaries/bun-packages.ts'

const chosen = process.env['DRAY_PROGRAM']

/** The executable that `DRAY_PROGRAM` names; undefined if tests run `bin/dray.js`. */
export const executable: string | undefined =
  chosen === undefined || chosen === '' ? undefined : resolve(chosen)

/** The command that runs dray, and its first arguments. */
export const program: readonly [command: string, ...first: string[]] =
  executable === undefined
    ? [process.execPath, join(import.meta.dirname, '..', '..', 'bin', 'dray.js')]
    : [executable]

/** `program` for a shell. */
export const programWords: string = program
  .map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`)
  .join(' ')

/** What `dray --version` names as its host. */
export function hostOfProgram(): string {
  return executable === undefined ? `node-${process.version}` : `bun-${bunVersion}`
}

/** Variables that make the program run a CommonJS file before its own code. */
export function preloading(file: string): Readonly<Record<string, string>> {
  return executable === undefined
    ? { NODE_OPTIONS: `--require ${file}` }
    : { BUN_OPTIONS: `--preload ${file}` }
}

/** Promises about Node. With `DRAY_PROGRAM`, their tests are skipped for the reason given here. */
const ofNode = {
  modules: 'an executable does not name the modules that it loads',
  NODE_OPTIONS: 'an executable ignores NODE_OPTIONS',
  'compile cache': 'an executable contains its compiled code',
} as const

/** Whether a test is skipped because it is about Node, and a suffix for its name. */
export function onlyOnNode(promise: keyof typeof ofNode): {
  readonly isSkipped: boolean
  readonly note: string
} {
  const isSkipped = executable !== undefined
  return { isSkipped, note: isSkipped ? ` (skipped: ${ofNode[promise]})` : '' }
}
