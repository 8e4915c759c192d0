import { type DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import { renderError } from '../../render/error.ts'
import { escapeText } from '../../render/text/escape.ts'
import type { Page } from '../../render/text/style.ts'
import { exitCodeOf } from './exit-codes.ts'
import { createPage } from '../terminal/terminal.ts'

/** The longest stack of one error in the debug log, characters. */
const maxStack = 16 * 1024

export interface ErrorReportOptions {
  /** prints no error, because the document on stdout has it */
  readonly quiet: boolean
  /** of stderr; undefined if the flags could not be parsed */
  readonly page?: Page | undefined
}

/** Sets the exit code of an error and prints it to stderr; with `DRAY_LOG=debug` also its stack. */
export async function reportError(error: DrayError, options: ErrorReportOptions): Promise<void> {
  process.exitCode = exitCodeOf(error.code)
  if (!options.quiet) {
    const { style } = options.page ?? (await createPage(process.stderr, undefined, process.env))
    process.stderr.write(`${renderError(withHint(toErrorInfo(error)), style)}\n`)
  }
  if (process.env['GITHUB_ACTIONS'] === 'true' && error.code !== 'cancelled') {
    const { formatGithubAnnotation } = await import('../../render/ci.ts')
    process.stderr.write(`${formatGithubAnnotation(toErrorInfo(error))}\n`)
  }
  if (process.env['DRAY_LOG'] === 'debug') process.stderr.write(`${stackOf(error)}\n`)
}

function withHint(error: ErrorInfo): ErrorInfo {
  if (error.code !== 'internal' || error.hint !== undefined) return error
  return {
    ...error,
    hint: 'This is a bug in dray. Report it with the output of the same command with DRAY_LOG=debug.',
  }
}

function stackOf(error: DrayError): string {
  const lines: string[] = []
  let at: unknown = error
  for (let depth = 0; at instanceof Error && depth < 8; depth++) {
    const prefix = depth === 0 ? '' : 'caused by '
    const text = `${prefix}${at.stack ?? at.message}`.slice(0, maxStack)
    lines.push(...text.split('\n').map(escapeText))
    at = at.cause
  }
  return lines.join('\n')
}
