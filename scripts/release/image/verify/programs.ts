import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'

export interface ImageUnderTest {
  /** the folder of the image layout */
  readonly layout: string
  readonly tag: string
  /** for files of the checks */
  readonly folder: string
  /** a command that runs dray on this machine */
  readonly program: readonly string[]
}

/** Runs a program. @returns its stdout. @throws Error with its stderr if it fails */
export function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
  })
}

/** Runs dray in a home folder of the checks. @returns its stdout */
export async function runDray(
  { program: [program = '', ...first], folder }: ImageUnderTest,
  ...args: readonly string[]
): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: folder }
  const { stdout } = await promisify(execFile)(program, [...first, ...args], { env, cwd: folder })
  return stdout
}

/** @throws Error with both values unless the actual one is the expected one */
export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (found !== wanted) throw new Error(`${what} is ${found}, expected ${wanted}`)
}
