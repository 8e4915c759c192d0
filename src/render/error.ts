import type { ErrorInfo } from '../lib/errors.ts'
import { escapeText } from './text/escape.ts'
import { type Style } from './text/style.ts'

/** An error in its three parts: what happened and to what (several things: a line each), why in the other side's words, what to do. */
export function renderError(error: ErrorInfo, style: Style): string {
  return [`${style.red(style.bold('error:'))} ${headline(error)}`, ...linesBelow(error, style)].join('\n')
}

/** The same under something that has a line of its own already, such as a refused image. */
export function renderErrorBelow(error: ErrorInfo, style: Style, indent: string): string {
  return [headline(error), ...linesBelow(error, style)].map((line) => indent + line).join('\n')
}

function headline(error: ErrorInfo): string {
  const message = escapeText(error.message)
  const isSaid = error.subject === undefined || error.message.includes(error.subject)
  const text = isSaid ? message : `${message}: ${escapeText(error.subject)}`
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

/** The registry's words, with its code and the status where they don't say them already. */
function whyOf({ why, status, registryCode }: ErrorInfo): string | undefined {
  const parts = [
    ...(status === undefined || why?.includes(String(status)) === true ? [] : [`HTTP ${status}`]),
    ...(registryCode === undefined || why?.includes(registryCode) === true ? [] : [registryCode]),
    ...(why === undefined ? [] : [why]),
  ]
  return parts.length === 0 ? undefined : parts.join(', ')
}

/** A warning on one line. */
export function renderWarning(text: string, style: Style): string {
  return `${style.yellow('warning:')} ${escapeText(text)}`
}
