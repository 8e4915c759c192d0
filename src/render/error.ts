import type { ErrorInfo } from '../lib/errors.ts'
import { escapeText } from './text/escape.ts'
import { type Style } from './text/style.ts'

/**
 * Formats an error: what failed and on what, why in the words of the other side, and what to do.
 */
export function renderError(error: ErrorInfo, style: Style): string {
  return [`${style.red(style.bold('error:'))} ${headline(error)}`, ...linesBelow(error, style)].join('\n')
}

/** Formats an error below a line about its subject, such as a refused image. */
export function renderErrorBelow(error: ErrorInfo, style: Style, indent: string): string {
  return [headline(error), ...linesBelow(error, style)].map((line) => indent + line).join('\n')
}

function headline(error: ErrorInfo): string {
  const message = escapeText(error.message)
  const isRepeated = error.subject === undefined || error.message.includes(error.subject)
  const text = isRepeated ? message : `${message}: ${escapeText(error.subject)}`
  return error.details === undefined ? text : `${text}:`
}

function linesBelow(error: ErrorInfo, style: Style): string[] {
  const why = whyOf(error)
  return [
    ...(error.details ?? []).map((line) => `  ${escapeText(line)}`),
    ...(why === undefined ? [] : [`  ${style.dim('why:')} ${escapeText(why)}`]),
    ...(error.hint === undefined ? [] : [`  ${style.dim('do: ')} ${escapeText(error.hint)}`]),
  ]
}

/** The registry's message, with its code and the status unless it contains them. */
function whyOf({ why, status, registryCode }: ErrorInfo): string | undefined {
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
