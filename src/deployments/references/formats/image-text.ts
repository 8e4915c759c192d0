import { isDrayError } from '../../../lib/errors.ts'
import { parseReference } from '../../../oci/reference.ts'

/**
 * Splits a text that should be a reference into its name, and the tag or digest with its sign:
 * `nginx` and `:1.27`.
 */
export function splitImage(text: string): { readonly name: string; readonly rest: string } {
  const at = text.indexOf('@')
  const end = at < 0 ? text.length : at
  const colon = text.lastIndexOf(':', end - 1)
  const start = colon > text.lastIndexOf('/', end - 1) ? colon : end
  return { name: text.slice(0, start), rest: text.slice(start) }
}

/**
 * Whether a text can only be an image: it has a path, and a tag or a digest. For positions that
 * need not have an image.
 */
export function isSurelyImage(text: string): boolean {
  if (!text.includes('/') || splitImage(text).rest === '') return false
  try {
    parseReference(text)
    return true
  } catch (error) {
    if (isDrayError(error)) return false
    throw error
  }
}

/**
 * Whether a text is a URL of something else, such as a picture or a git repository: no runtime
 * accepts it as an image.
 */
export function isAddress(text: string): boolean {
  return /^(?!docker:|oci:)(?:[a-z][a-z+.-]*:\/\/|git@)/.test(text)
}

/** Removes the scheme that some programs use for the transport of an image. */
export function withoutTransport(text: string): string {
  return text.replace(/^(?:docker|oci):\/\//, '')
}
