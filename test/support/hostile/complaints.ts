import { createErrorDocument, printDocument } from '../../../src/cli/command/result-document.ts'
import { isDrayError, toErrorInfo } from '../../../src/lib/errors.ts'
import { formatGithubAnnotation } from '../../../src/render/ci.ts'
import { renderError, renderWarning } from '../../../src/render/error.ts'
import { plainStyle } from '../../../src/render/text/style.ts'

/** An error is read by a person: longer ones are a dump of what was read. */
const maxLength = 128 * 1024

/** Said in other words than `escapeText`'s: what a terminal acts on, hides, or turns round. */
const acts =
  // oxlint-disable-next-line eslint/no-control-regex -- controls are what it is about
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u
const commands = /^\s*::(?!error title=dray::)|##(?:vso|teamcity)?\[/im

/** What is wrong with text that goes to a terminal or a CI log; undefined for none. */
export function complaintOfOutput(text: string): string | undefined {
  const act = acts.exec(text)
  if (act !== null) return `U+${act[0].charCodeAt(0).toString(16)} is printed as it is`
  const command = commands.exec(text)
  return command === null ? undefined : `a CI service would do ${JSON.stringify(command[0])}`
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
