import type { Call } from '../../lib/call.ts'
import { type DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'

/** Failures that say something of one image, and nothing of the registry: the rest can be shown. */
const ofOneImage: ReadonlySet<ErrorCode> = new Set([
  'not-found',
  'forbidden',
  'malformed',
  'unsupported',
  'corrupt',
  'protocol',
])

export function isOfOneImage(error: unknown): error is DrayError {
  return isDrayError(error) && ofOneImage.has(error.code)
}

/** What was read of an image; undefined, and told as a warning, where that of this one cannot be read. @throws what `read` throws of the registry. */
export async function orWarn<T>(image: string, call: Call, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!isOfOneImage(error)) throw error
    call.notify({ kind: 'warning', text: wordsOf(error, image) })
    return undefined
  }
}

function wordsOf({ message, subject }: DrayError, image: string): string {
  if (message.includes(image)) return `${message}; it is shown with what else is known of it`
  const about = subject === undefined || subject === image ? '' : ` (${subject})`
  return `${image} is shown with what is known of it: ${message}${about}`
}
