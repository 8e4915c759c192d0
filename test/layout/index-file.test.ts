import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  emptyIndex,
  findTag,
  type LayoutIndex,
  parseLayoutIndex,
  printLayoutIndex,
  withEntry,
  withTag,
} from '../../src/layout/index-file.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import { outcomeOf } from '../support/error-code.ts'

const images: readonly Descriptor[] = ['a', 'b', 'c'].map((name) => ({
  mediaType: mediaTypes.manifest,
  digest: digestOf(name),
  size: 1,
}))
const tags = ['1', '1.4', 'latest']
const read = (index: LayoutIndex): LayoutIndex => parseLayoutIndex(Buffer.from(printLayoutIndex(index)), 'it')

describe('index.json', () => {
  it('has each tag once and at its last manifest after any changes, and parses to the same', () => {
    const change = fc.record({ tag: fc.option(fc.constantFrom(...tags)), image: fc.constantFrom(...images) })
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        let index = emptyIndex
        const model = new Map<string, string>()
        for (const { tag, image } of changes) {
          index = read(tag === null ? withEntry(index, image) : withTag(index, tag, image))
          if (tag !== null) model.set(tag, image.digest)
        }
        for (const tag of tags) expect(findTag(index, tag, 'it')?.digest).toBe(model.get(tag))
        const lines = index.entries.map((entry) => `${entry.name} ${entry.descriptor.digest}`)
        expect(new Set(lines).size).toBe(lines.length)
        expect(read(index)).toEqual(index)
      }),
    )
  })

  it('is the same object after a change without effect, so that nothing is written', () => {
    const [image] = images
    if (image === undefined) throw new Error('no image')
    const index = withTag(emptyIndex, '1', image)
    expect(withTag(index, '1', image)).toBe(index)
    expect(withEntry(index, image)).toBe(index)
  })

  it('keeps every unknown field', () => {
    const entry = { ...images[0], 'x-entry': { deep: [1, null] }, data: 'e30=' }
    const document = { schemaVersion: 2, 'x-list': ['é'], manifests: [entry], annotations: { a: 'b' } }
    const index = parseLayoutIndex(Buffer.from(JSON.stringify(document)), 'it')
    expect(JSON.parse(printLayoutIndex(index))).toEqual(document)
  })

  it('from any bytes is parsed or is a DrayError', () => {
    const document = fc.record(
      { manifests: fc.jsonValue(), schemaVersion: fc.jsonValue() },
      { requiredKeys: [] },
    )
    const bytes = fc.oneof(
      fc.uint8Array(),
      document.map((value) => Buffer.from(JSON.stringify(value))),
    )
    fc.assert(
      fc.property(bytes, (input) => {
        expect(outcomeOf(() => parseLayoutIndex(input, 'it'))).toMatch(/^(fine|malformed|unsupported)$/)
      }),
    )
  })
})
