import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { documentsOf, isMap, textOf } from '../references/documents.ts'
import { type FoundImages, type FoundImage, mergeImages, noImages } from '../references/found-images.ts'
import { findReferences } from '../references/references-in.ts'
import { checkNotBlank, decodeText, tooLarge } from '../files/text.ts'

const maxListBytes = 64 * 1024 * 1024

/** A stream that can be read once, such as standard input. */
export type ByteReader = (call: Call) => AsyncIterable<Uint8Array>

/**
 * Reads a list of images: one reference per line, with comments after `#`; or JSON or YAML, such as
 * an array of references or the output of `kubectl get -o json` or `helm template`.
 * @param name the name of the file in errors
 * @throws `malformed` for an empty, too large or other text; what the reader throws.
 */
export async function readList(name: string, read: ByteReader, call: Call): Promise<FoundImages> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of read(call)) {
    length += chunk.byteLength
    if (length > maxListBytes) throw tooLarge(name, maxListBytes)
    chunks.push(chunk)
  }
  return findListedImages(decodeText(Buffer.concat(chunks, length), name), name)
}

/** Pure. @throws `malformed`. */
function findListedImages(text: string, name: string): FoundImages {
  checkNotBlank(text, name)
  if (isStructured(text))
    return mergeImages(
      [...documentsOf(text, name)].map(({ value, where }) => findImagesInValue(value, where)),
    )
  const found = text.split(/\r\n|\r|\n/).flatMap((line, i): FoundImage[] => {
    const written = line.replace(/(?:^|\s)#.*$/, '').trim()
    return written === '' ? [] : [{ text: written, by: `${name}: line ${i + 1}` }]
  })
  return { ...noImages, found }
}

/** A text is a reference, and an array with texts is a list of them. Other values are searched. */
function findImagesInValue(value: unknown, where: string): FoundImages {
  const text = textOf(value)
  if (text !== undefined) return { ...noImages, found: [{ text, by: where }] }
  checkWhole(value, where)
  if (!Array.isArray(value) || !value.some((one) => textOf(one) !== undefined))
    return findReferences(value, where)
  const items = value.map((one: unknown, i): FoundImages => {
    const by = `${where}[${i}]`
    if (Array.isArray(one) || isMap(one)) return findReferences(one, by)
    return { ...noImages, found: [{ text: textOf(one) ?? '', by }] }
  })
  return mergeImages(items)
}

/** Kubernetes returns long lists in pages. @throws `refused` for one page of several. */
function checkWhole(value: unknown, where: string): void {
  const metadata = isMap(value) ? value['metadata'] : undefined
  if (!isMap(metadata) || (textOf(metadata['continue']) ?? '') === '') return
  throw new DrayError('refused', `${where} is an incomplete list`, {
    subject: where,
    why: 'it has a continue token',
    hint: 'Request the whole list: kubectl get … --chunk-size=0',
  })
}

/** A reference with an IPv6 address as its host begins like an array. */
const ipv6Reference = /^\s*\[[0-9a-f:]+\](?::[0-9]+)?\//i

/**
 * Whether a text is JSON or YAML: no other reference begins like that or has a colon before white
 * space.
 */
function isStructured(text: string): boolean {
  if (ipv6Reference.test(text)) return false
  if (/^\s*[[{"]/.test(text)) return true
  return /^(?:---|%YAML|[ \t]*-\s|[^\s#][^#\n]*?:(?:\s|$))/m.test(text)
}
