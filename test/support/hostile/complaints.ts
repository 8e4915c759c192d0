import { createErrorDocument, printDocument } from '../../../src/cli/command/result-document.ts'
import { isDrayError, toErrorInfo } from '../../../src/lib/errors.ts'
import { formatGithubAnnotation } from '../../../src/render/ci.ts'
import { renderError, renderWarning } from '../../../src/render/error.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

/** A longer error contains the parsed text. */
const maxLength = 128 * 1024

/**
 * Characters that control, hide or reverse text in a terminal, listed independently of
 * `escapeText`.
 */
const controls =
  // oxlint-disable-next-line eslint/no-control-regex -- controls are what it is about
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u
const commands = /^\s*::(?!error title=dray::)|##(?:vso|teamcity)?\[/im

/** The problem of text for a terminal or a CI log, or undefined. */
export function complaintOfOutput(text: string): string | undefined {
  const control = controls.exec(text)
  if (control !== null) return `U+${control[0].charCodeAt(0).toString(16)} is not escaped`
  const command = commands.exec(text)
  return command === null ? undefined : `a CI service would execute ${JSON.stringify(command[0])}`
}

/**
 * What is wrong with what a parser threw: another error than ours, too long a one, or one that
 * cannot be printed.
 */
export function complaintOfError(thrown: unknown): string | undefined {
  if (!isDrayError(thrown))
    return `threw ${thrown instanceof Error ? `${thrown.name}: ${thrown.message.slice(0, 200)}` : String(thrown)}`
  if (thrown.code === 'internal') return `says that it is a bug: ${thrown.message.slice(0, 200)}`
  const info = toErrorInfo(thrown)
  const printed = [
    renderError(info, plainStyle),
    renderWarning(info.message, plainStyle),
    formatGithubAnnotation(info),
    printDocument(createErrorDocument('x', thrown, [])),
  ]
  const long = printed.find((text) => text.length > maxLength)
  if (long !== undefined) return `says ${long.length} characters: ${long.slice(0, 200)}`
  return printed.map(complaintOfOutput).find((complaint) => complaint !== undefined)
}
