import { DrayError } from '../../../lib/errors.ts'
import type { PublishRequest } from '../publish-request.ts'

const controls = /[\p{Cc}\p{Zl}\p{Zp}]+/gu
/** The token of a trailer (git-interpret-trailers(1)). */
const trailerName = /^[A-Za-z0-9][A-Za-z0-9-]*$/

export type MessageParts = Pick<PublishRequest, 'message' | 'trailers'>

/**
 * Returns the message of a commit: the subject, and the trailers as its last paragraph. Values
 * come from deployment files and registries: each stays on its line, and none can add a trailer.
 */
export function formatMessage({ message, trailers }: MessageParts): string {
  const subject = oneLine(message)
  const lines = trailers.map(([name, value]) => {
    if (!trailerName.test(name)) throw new DrayError('internal', `${name} is not the name of a trailer`)
    return `${name}: ${oneLine(value)}`
  })
  return `${[subject === '' ? 'Update deployment files' : subject, lines.join('\n')].join('\n\n').trimEnd()}\n`
}

/** Returns the subject of the message, as a title of a pull request. */
export function subjectOf(parts: MessageParts): string {
  return formatMessage(parts).split('\n')[0] ?? ''
}

/** Replaces line breaks and controls by spaces. */
export function oneLine(text: string): string {
  return text.replaceAll(controls, ' ').trim()
}
