import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { decideTags, type TagDecisions, toPlannedTag } from '../../src/plan/decide-tags.ts'
import type { Dependent } from '../../src/plan/former-image.ts'
import { plainReading } from '../../src/semver/version.ts'

const repository = { registry: 'zot.example.com', path: 'app' }
const [root, former, other] = [digestOf('root'), digestOf('former'), digestOf('other')]
const rules = { immutable: [], moveTags: false, reading: plainReading }

/** Decides about tags, of which `on` are on the former image. */
function decide(
  plain: readonly string[],
  on: readonly string[],
  dependents: readonly Dependent[],
  moveTags = false,
): TagDecisions {
  const found = new Map(plain.map((tag) => [tag, on.includes(tag) ? former : null] as const))
  const wanted = { image: 'app', repository, root, plain, version: undefined }
  return decideTags({ ...wanted, former: new Map([[former, { dependents }]]) }, found, { ...rules, moveTags })
}

const index = (tag: string): Dependent => ({ kind: 'index', tag, digest: other })

describe('a tag that is the last one of an image which the registry then deletes', () => {
  it('moves, and the plan shows that, if nothing needs the image', () => {
    const { waves, refusals } = decide(['latest', 'new'], ['latest'], [])
    expect(refusals).toEqual([])
    expect(waves.flat().map(toPlannedTag)).toEqual([
      { tag: 'new', before: null, change: 'create' },
      { tag: 'latest', before: former, change: 'move', deletesBefore: true },
    ])
  })

  it.each<[string, Dependent, string]>([
    ['an index with a tag', index('1.0.0'), `the index 1.0.0 (${other}) has it as a child`],
    ['the new image', { kind: 'new index', digest: root }, `the new image ${root} has it as a child`],
    ['its subject', { kind: 'subject', digest: other }, `it is attached to the image ${other}`],
    [
      'an artifact with a tag',
      { kind: 'referrer', tag: 'sbom', digest: other },
      `the artifact sbom (${other}) is attached to it`,
    ],
  ])('does not move if this needs the image: %s', (_, dependent, why) => {
    const [refusal, ...more] = decide(['latest'], ['latest'], [dependent]).refusals
    expect(more).toEqual([])
    expect(refusal).toMatchObject({
      code: 'refused',
      subject: 'zot.example.com/app:latest',
      why: `the registry deletes ${former} when this tag moves, but ${why}`,
      hint: `Add another tag to that image first: dray tag zot.example.com/app@${former} --tags TAG`,
    })
  })

  it('does not move with --move-tag either', () => {
    const { refusals } = decide(['1.4.2'], ['1.4.2'], [index('1.0.0')], true)
    expect(refusals.map(({ message }) => message)).toEqual([
      'cannot move the tag 1.4.2 of app: it is the last tag of an image that is needed',
    ])
  })

  it('is refused as a version tag alone if it may not move', () => {
    const { refusals } = decide(['1.4.2'], ['1.4.2'], [index('1.0.0')])
    expect(refusals.map(({ message }) => message)).toEqual([
      'cannot write the tag 1.4.2 of app: it points to another image',
    ])
  })

  it('moves if only an index needs the image whose own tag moves too', () => {
    const { refusals } = decide(['a', 'b'], ['a', 'b'], [index('b')])
    expect(refusals).toEqual([])
    expect(decide(['a', 'b'], ['a'], [index('b')]).refusals).toHaveLength(1)
  })

  it('is a usual tag if it is new or up to date', () => {
    const found = new Map([['latest', root]])
    const wanted = { image: 'app', repository, root, plain: ['latest', 'new'], version: undefined }
    const needed = new Map([[root, { dependents: [index('1.0.0')] }]])
    const { waves, refusals } = decideTags({ ...wanted, former: needed }, found, rules)
    expect(refusals).toEqual([])
    expect(waves.flat().every(({ deletesBefore }) => deletesBefore === undefined)).toBe(true)
  })
})
