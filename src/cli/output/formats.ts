import { DrayError } from '../../lib/errors.ts'
import { nearest } from '../../lib/nearest.ts'

/** All values of `--output`. */
export const outputFormats = ['text', 'json', 'yaml', 'jsonl', 'name', 'digest'] as const

export type OutputFormat = (typeof outputFormats)[number]

/** The formats of every command. `json` and `yaml` print one document, also for an error. */
export const commonFormats = ['text', 'json', 'yaml'] as const satisfies readonly OutputFormat[]

/** Whether a result and an error are one document on stdout. */
export function isDocument(format: OutputFormat): format is 'json' | 'yaml' {
  return format === 'json' || format === 'yaml'
}

/** Whether failed parts of a result are reported on stderr, because the result lacks them. */
export function lacksErrors(format: OutputFormat): boolean {
  return format === 'text' || format === 'name' || format === 'digest'
}

/** `-o`, also behind short flags without a value: `-qo json`, `-ojson`, `-o=json`. */
const shortFlag = /^-[ahqvy]*o(=?)(.*)$/s
const longFlag = /^--output(?:(=)(.*))?$/s

/** The formats that arguments before `--` request, in their order, also if other ones are wrong. */
export function requestedFormats(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  const args = end < 0 ? argv : argv.slice(0, end)
  return args.flatMap((arg, i) => {
    if (arg === '--json') return ['json']
    const found = shortFlag.exec(arg) ?? longFlag.exec(arg)
    if (found === null) return []
    const { 1: sign = '', 2: joined = '' } = found
    return sign === '' && joined === '' ? args.slice(i + 1, i + 2) : [joined]
  })
}

/** The format of an error whose command is unknown or whose arguments are wrong. */
export function errorFormat(argv: readonly string[]): OutputFormat {
  return requestedFormats(argv).find((text) => text === 'json' || text === 'yaml') ?? 'text'
}

/**
 * The format that arguments request.
 * @param supported by the command
 * @throws `usage` for a format that the command does not have, and for two different ones.
 */
export function chooseFormat(
  argv: readonly string[],
  command: string,
  supported: readonly OutputFormat[],
): OutputFormat {
  const [first, ...more] = new Set(requestedFormats(argv))
  if (first === undefined) return 'text'
  const format = supported.find((one) => one === first)
  if (format === undefined) {
    const near = nearest(first, supported)
    throw new DrayError('usage', `dray ${command} has no output format ${JSON.stringify(first)}`, {
      hint: `${near === undefined ? '' : `Did you mean ${JSON.stringify(near)}? `}The formats are ${supported.join(', ')}.`,
    })
  }
  if (more.length > 0) {
    throw new DrayError(
      'usage',
      `the output formats ${[first, ...more].join(' and ')} contradict each other`,
      {
        hint: 'Pass one of them. --json is short for -o json.',
      },
    )
  }
  return format
}
