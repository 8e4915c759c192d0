import type { ErrorInfo } from '../lib/errors.ts'
import { escapeText } from './text/escape.ts'
import { type Style } from './text/style.ts'

/** The largest number of lines on which one part of an error is shown. */
const maxLines = 20
/** Puts the further lines of a cause or a fix below its first one. */
const hanging = ' '.repeat(7)

/** Formats an error: what failed and on what, the cause as it was reported, and the fix. */
export function renderError(error: ErrorInfo, style: Style): string {
  // A person who cancels knows why: nothing failed.
  if (error.code === 'cancelled') return 'Cancelled.'
  return [`${style.red(style.bold('error:'))} ${headline(error)}`, ...linesBelow(error, style)].join('\n')
}

/** Formats an error below a line about its subject, such as a refused image. */
export function renderErrorBelow(error: ErrorInfo, style: Style, indent: string): string {
  return [headline(error), ...linesBelow(error, style)].map((line) => indent + line).join('\n')
}

function headline(error: ErrorInfo): string {
  const [first = '', ...more] = linesOf(error.message)
  const { subject = '' } = error
  // A cause that names the subject repeats it on the next line.
  const isRepeated = [error.message, error.why ?? ''].some((part) => part.includes(subject))
  const text = isRepeated ? first : `${first}: ${escapeText(subject)}`
  const hasList = more.length > 0 || error.details !== undefined
  return hasList ? `${text.replace(/:$/, '')}:` : text
}

function linesBelow(error: ErrorInfo, style: Style): string[] {
  const why = formatReason(error)
  return [
    ...linesOf(error.message)
      .slice(1)
      .map((line) => `  ${line}`),
    ...(error.details ?? []).map((line) => `  ${escapeText(line)}`),
    ...(why === undefined ? [] : [`  ${style.dim('why:')} ${hang(why)}`]),
    ...(error.hint === undefined ? [] : [`  ${style.dim('fix:')} ${hang(error.hint)}`]),
  ]
}

function hang(text: string): string {
  return linesOf(text).join(`\n${hanging}`)
}

/** The lines of a text, each escaped. The last one has all that exceed the limit. */
function linesOf(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const shown = [...lines.slice(0, maxLines - 1), lines.slice(maxLines - 1).join('\n')]
  return shown.filter((line) => line !== '').map(escapeText)
}

/** The registry's message, with its code and the status unless it contains them. Not escaped. */
export function formatReason({ why, status, registryCode }: ErrorInfo): string | undefined {
  const parts = [
    ...(status === undefined || why?.includes(String(status)) === true ? [] : [`HTTP ${status}`]),
    ...(registryCode === undefined || why?.includes(registryCode) === true ? [] : [registryCode]),
    ...(why === undefined ? [] : [why]),
  ]
  return parts.length === 0 ? undefined : parts.join(', ')
}

/** Formats a warning on one line. */
export function renderWarning(text: string, style: Style): string {
  return `${style.yellow('warning:')} ${escapeText(text)}`
}
