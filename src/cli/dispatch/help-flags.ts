import { splitArguments } from './split-arguments.ts'

const helpFlags: ReadonlySet<string> = new Set(['--help', '-h'])

/** Whether a command line has a flag for help before `--`. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const before = end < 0 ? args : args.slice(0, end)
  return before.some((arg) => helpFlags.has(arg)) || splitArguments(before).flags.has('help')
}
