import { isDrayError } from '../../lib/errors.ts'
import { parseReference } from '../../oci/reference.ts'

/** The name, and the tag or digest behind it with its sign, of a text that should be a reference: `nginx` and `:1.27`. */
export function splitImage(text: string): { readonly name: string; readonly rest: string } {
  const at = text.indexOf('@')
  const end = at < 0 ? text.length : at
  const colon = text.lastIndexOf(':', end - 1)
  const start = colon > text.lastIndexOf('/', end - 1) ? colon : end
  return { name: text.slice(0, start), rest: text.slice(start) }
}

/** Whether a text can be nothing but an image: it has a path, and a tag or a digest. Where an image may stand and need not. */
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

/** An address of something else, such as a picture or a repository of sources: no runtime takes it for an image. */
export function isAddress(text: string): boolean {
  return /^(?!docker:|oci:)(?:[a-z][a-z+.-]*:\/\/|git@)/.test(text)
}

/** Without the scheme by which some programs name the transport of an image. */
export function withoutTransport(text: string): string {
  return text.replace(/^(?:docker|oci):\/\//, '')
}
