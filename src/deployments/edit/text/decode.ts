import { positionIn, refuseFile } from './refusal.ts'

/** Of a file that is read, in bytes, as for the files of `--in-use`. */
export const maxFileSize = 16 * 2 ** 20
/**
 * Of a file that is parsed with the positions of its values: 2 MiB of YAML take 500 MB of memory.
 */
export const maxEditedSize = 2 * 2 ** 20

/** The content of a file that dray reads and edits. */
export interface FileBytes {
  /** a path for messages; its extension selects the format */
  readonly name: string
  readonly bytes: Uint8Array
}

/**
 * Returns the text of a file with its byte order mark. Its encoding gives the same bytes again.
 * @throws `refused` if it is larger than 2 MiB, not UTF-8, or has characters that parsers read
 * differently.
 */
export function decodeFile({ name, bytes }: FileBytes): string {
  if (bytes.byteLength > maxEditedSize)
    throw refuseFile(name, `it is larger than ${maxEditedSize} bytes`, 'Split the file.')
  if (isUtf16(bytes)) throw refuseFile(name, 'it is UTF-16', 'Save the file as UTF-8.')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw refuseFile(name, 'it is not UTF-8', 'Save the file as UTF-8.')
  }
  const zero = text.indexOf('\0')
  if (zero !== -1)
    throw refuseFile(
      name,
      'it contains a zero byte',
      'Remove the zero byte, or save the file as UTF-8.',
      positionIn(text, zero),
    )
  const lone = text.search(/\r(?!\n)/)
  if (lone !== -1)
    throw refuseFile(
      name,
      'it has a carriage return without a line feed',
      'Save the file with the line ending LF or CRLF.',
      positionIn(text, lone),
    )
  return text
}

/** Whether bytes begin like UTF-16 or UTF-32, with or without byte order mark (YAML 1.2.2, 5.2). */
function isUtf16(bytes: Uint8Array): boolean {
  const [first, second] = bytes
  if (first === undefined || second === undefined) return false
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  return isMarked || (first === 0) !== (second === 0)
}
