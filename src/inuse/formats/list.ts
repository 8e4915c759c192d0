import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { documentsOf, isMap, textOf } from '../documents.ts'
import { type FoundImages, type FoundImage, mergeImages, noImages } from '../found-images.ts'
import { findReferences } from '../references-in.ts'
import { checkNotBlank, decodeText, tooLarge } from '../text.ts'

const maxListBytes = 64 * 1024 * 1024

/** Something to read once, such as standard input. */
export type ByteReader = (call: Call) => AsyncIterable<Uint8Array>

/**
 * Reads a list of images by hand or from another program: a reference in each line, with comments behind `#`; or JSON or YAML, which may be an array of
 * references, what `kubectl get -o json` prints, or what `helm template` prints.
 * @param name the file, as it is called in errors
 * @throws `malformed` for what is empty, too large or none of this; what the reader throws.
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

/** A text is a reference, and an array that has texts in it a list of them; anything else is looked through. */
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

/** Kubernetes gives long lists in pages. */
function checkWhole(value: unknown, where: string): void {
  const metadata = isMap(value) ? value['metadata'] : undefined
  if (!isMap(metadata) || (textOf(metadata['continue']) ?? '') === '') return
  throw new DrayError('refused', `${where} is a part of a list`, {
    subject: where,
    why: 'it says that it goes on elsewhere',
    hint: 'Ask for all of it: kubectl get … --chunk-size=0',
  })
}

/** A reference whose host is an IPv6 address begins as an array does. */
const ipv6Reference = /^\s*\[[0-9a-f:]+\](?::[0-9]+)?\//i

/** Whether it is JSON or YAML: no other reference begins so, or has a colon before white space. */
function isStructured(text: string): boolean {
  if (ipv6Reference.test(text)) return false
  if (/^\s*[[{"]/.test(text)) return true
  return /^(?:---|%YAML|[ \t]*-\s|[^\s#][^#\n]*?:(?:\s|$))/m.test(text)
}
