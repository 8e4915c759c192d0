import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { cosignSuffixes, cosignTag, fallbackTag } from '../../../src/oci/evidence-tags.ts'
import { ListedTags } from '../../../src/images/tags/listed-tags.ts'

const digest = digestOf('an image')
const signature = cosignTag(digest, 'sig')
const sha512 = fallbackTag(digestOf('an image', 'sha512'))

describe('listed tags', () => {
  it.each([signature, fallbackTag(digest), sha512])(
    'know %s, and whatever differs from it in one letter',
    (tag) => {
      expect(new ListedTags(new Set([tag])).has(tag)).toBe('yes')
      for (let at = 0; at < tag.length; at++) {
        const damaged = `${tag.slice(0, at)}_${tag.slice(at + 1)}`
        expect(new ListedTags(new Set(['1.4.2', damaged])).has(tag)).toBe('nearly')
      }
    },
  )

  it('take no other piece of evidence of the same or another digest for a damaged one', () => {
    const all = cosignSuffixes.map((suffix) => cosignTag(digest, suffix))
    for (const tag of all) {
      const others = [
        ...all.filter((one) => one !== tag),
        fallbackTag(digest),
        sha512,
        cosignTag(digestOf('other'), 'sig'),
      ]
      expect(new ListedTags(new Set(others)).has(tag)).toBe('no')
    }
  })

  it('take no short tag for another', () => {
    expect(new ListedTags(new Set(['1.4.1'])).has('1.4.2')).toBe('no')
  })
})
