import type { Call } from '../../lib/call.ts'
import { type DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'

/** Failures of one image, not of the registry: dray can show the rest. */
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

/** Returns undefined and warns if `read` fails for this image only. @throws other failures. */
export async function warnOnFailure<T>(
  image: string,
  call: Call,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!isOfOneImage(error)) throw error
    call.notify({ kind: 'warning', text: formatWarning(error, image) })
    return undefined
  }
}

function formatWarning({ message, subject }: DrayError, image: string): string {
  if (message.includes(image)) return `${message}; dray shows the rest of the image`
  const about = subject === undefined || subject === image ? '' : ` (${subject})`
  return `cannot read all of ${image}: ${message}${about}`
}
