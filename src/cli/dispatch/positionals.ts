import type { FlagInput } from '@oclif/core/parser'
import { DrayError } from '../../lib/errors.ts'

/** One argument as the parser of oclif reads it. */
interface ParsedWord {
  readonly type: string
  readonly input: string
}

/**
 * The arguments that are no flags, in their order. The `argv` of oclif is sorted by the first place
 * of each text, so that `--reason 1.5.0 IMAGE 1.5.0` has the image last.
 */
export function listPositionals(raw: readonly ParsedWord[]): readonly string[] {
  return raw.flatMap(({ type, input }) => (type === 'arg' ? [input] : []))
}

/**
 * Refuses `--yes=false`. oclif sets the flag and takes the value for the next argument.
 * @throws `usage`
 */
export function refuseBooleanValues(argv: readonly string[], flags: FlagInput): void {
  const end = argv.indexOf('--')
  for (const arg of end < 0 ? argv : argv.slice(0, end)) {
    const name = /^--([^=]+)=/.exec(arg)?.[1]
    if (name === undefined) continue
    const flag = flags[name] ?? flags[name.replace(/^no-/, '')]
    if (flag?.type !== 'boolean') continue
    throw new DrayError('usage', `--${name} takes no value`, {
      hint: `Write --${name} alone, or omit it.`,
    })
  }
}
