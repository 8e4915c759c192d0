import { boolean, integer, option, string } from '@oclif/core/flags'
import type { OutputFlags } from '@oclif/core/parser'
import { parseDuration } from './duration.ts'
import { flagGroups } from '../help/flag-groups.ts'
import type { Verbosity } from '../terminal/progress.ts'
import { commonFormats, type OutputFormat, outputFormats } from '../output/formats.ts'

/**
 * The flag `--output` of a command that prints more formats than the common ones. `chooseFormat`
 * decides the format; the flag is for help and completion.
 */
export function outputFlag(...more: readonly OutputFormat[]) {
  const formats = outputFormats.filter((one) => [...commonFormats, ...more].includes(one))
  return {
    output: option({ options: formats })({
      char: 'o',
      summary: 'Output format.',
      helpValue: 'FORMAT',
      helpGroup: flagGroups.output,
    }),
  }
}

/** The flags of a command that lists up to `count` rows by default. @param rows such as `tags` */
export function limitFlags(rows: string, count: number) {
  return {
    all: boolean({
      char: 'a',
      summary: `Show all ${rows}.`,
      exclusive: ['limit'],
      helpGroup: flagGroups.output,
    }),
    limit: integer({
      char: 'n',
      summary: `Number of ${rows} to show.`,
      default: count,
      min: 1,
      helpValue: 'COUNT',
      helpGroup: flagGroups.output,
    }),
  }
}

/** The flags of every command. */
export const globalFlags = {
  ...outputFlag(),
  json: boolean({ summary: 'Short for -o json.', helpGroup: flagGroups.output }),
  quiet: boolean({
    char: 'q',
    summary: 'Print only results and errors.',
    helpGroup: flagGroups.output,
  }),
  verbose: boolean({
    char: 'v',
    summary: 'Log each HTTP request to stderr.',
    helpGroup: flagGroups.output,
    exclusive: ['quiet'],
  }),
  color: boolean({
    allowNo: true,
    summary: 'Use colours (default: on a terminal).',
    helpGroup: flagGroups.output,
  }),
  'no-pager': boolean({ summary: 'Do not open long text in a pager.', helpGroup: flagGroups.output }),
  config: string({
    summary: 'Path of dray.yaml (default: DRAY_CONFIG or search).',
    helpValue: 'FILE',
    helpGroup: flagGroups.connection,
  }),
  timeout: string({
    summary: 'Stop the command after this time, such as 15m.',
    helpValue: 'DURATION',
    helpGroup: flagGroups.connection,
  }),
  'max-wait': string({
    summary: 'Longest wait for Retry-After (default: 5m).',
    helpValue: 'DURATION',
    helpGroup: flagGroups.connection,
    env: 'DRAY_MAX_WAIT',
  }),
  username: string({
    char: 'u',
    summary: 'User for one registry, with --password-stdin.',
    helpValue: 'USER',
    helpGroup: flagGroups.connection,
  }),
  'password-stdin': boolean({
    summary: 'Read the password or token from stdin.',
    helpGroup: flagGroups.connection,
    dependsOn: ['username'],
  }),
  'auth-registry': string({
    summary: 'Registry of --username (default: DRAY_REGISTRY).',
    helpValue: 'HOST',
    helpGroup: flagGroups.connection,
    dependsOn: ['username'],
  }),
}

export type GlobalFlags = OutputFlags<typeof globalFlags>

export function verbosityOf(flags: Pick<GlobalFlags, 'verbose' | 'quiet'>): Verbosity {
  if (flags.verbose || process.env['DRAY_LOG'] === 'debug') return 'verbose'
  return flags.quiet ? 'quiet' : 'normal'
}

/** The times of the flags in milliseconds. @throws `usage` */
export function durationsOf(flags: Pick<GlobalFlags, 'timeout' | 'max-wait'>): {
  readonly timeoutMs: number | undefined
  readonly maxWaitMs: number | undefined
} {
  const parse = (name: 'timeout' | 'max-wait'): number | undefined => {
    const { [name]: text } = flags
    return text === undefined ? undefined : parseDuration(text, `--${name}`)
  }
  return { timeoutMs: parse('timeout'), maxWaitMs: parse('max-wait') }
}
