import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import {
  cosignSuffixes,
  cosignTag,
  cosignTagsBySubject,
  fallbackTag,
  isCosignTagOf,
  isEvidenceTag,
  subjectKeyOfEvidenceTag,
  subjectOfEvidenceTag,
} from '../../src/oci/evidence-tags.ts'
import { isTag } from '../../src/oci/reference.ts'

const short = digestOf('x')
const long = digestOf('x', 'sha512')

describe('evidence tags', () => {
  it('are valid tags, are recognised as evidence, and give a sha256 subject', () => {
    for (const tag of [fallbackTag(short), ...cosignSuffixes.map((suffix) => cosignTag(short, suffix))]) {
      expect(isTag(tag)).toBe(true)
      expect(isEvidenceTag(tag)).toBe(true)
      expect(subjectOfEvidenceTag(tag)).toBe(short)
    }
  })

  it('contain 64 digits of a sha512 digest (Referrers Tag Schema), and then give no subject', () => {
    expect(fallbackTag(long)).toBe(`sha512-${long.slice(7, 71)}`)
    expect(isTag(fallbackTag(long))).toBe(true)
    expect(isEvidenceTag(fallbackTag(long))).toBe(true)
    expect(subjectOfEvidenceTag(fallbackTag(long))).toBeUndefined()
  })

  it.each(['cve-', 'v1.2.', 'x', 'scan_sha256-', `${fallbackTag(long)}.`])(
    'of cosign may have the prefix %s, and then belong to the same subject',
    (prefix) => {
      for (const suffix of cosignSuffixes) {
        const tag = `${prefix}${cosignTag(short, suffix)}`
        expect(isEvidenceTag(tag)).toBe(true)
        expect(subjectOfEvidenceTag(tag)).toBe(short)
        expect(subjectKeyOfEvidenceTag(tag)).toBe(fallbackTag(short))
        expect(isCosignTagOf(tag, short)).toBe(true)
        expect(isCosignTagOf(tag, digestOf('y'))).toBe(false)
      }
    },
  )

  it('of cosign are found in a list by subject, in the order of their names', () => {
    const other = cosignTag(digestOf('y'), 'sig')
    const own = [`cve-${cosignTag(short, 'att')}`, cosignTag(short, 'sig')]
    const list = [...own.toReversed(), '1.4.2', other, fallbackTag(short), `${fallbackTag(short)}.other`]
    expect([...cosignTagsBySubject(list)]).toEqual([
      [fallbackTag(short), own.map((tag, i) => ({ tag, suffix: i === 0 ? 'att' : 'sig' }))],
      [fallbackTag(digestOf('y')), [{ tag: other, suffix: 'sig' }]],
    ])
  })

  it.each([
    '1.4.2',
    'latest',
    'sha256-abc',
    `sha256-${'g'.repeat(64)}`,
    `x${fallbackTag(short)}`,
    `cve-${fallbackTag(short)}`,
  ])('do not include %s', (tag) => {
    expect(isEvidenceTag(tag)).toBe(false)
    expect(subjectOfEvidenceTag(tag)).toBeUndefined()
  })
})
