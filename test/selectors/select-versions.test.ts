import { describe, expect, it } from 'vitest'
import { selectProtected, type VersionSelection } from '../../src/selectors/select-versions.ts'
import type { TagSelector } from '../../src/selectors/tag-selector.ts'
import { parseRange } from '../../src/semver/range/range.ts'
import { plainReading } from '../../src/semver/version.ts'

const versions: TagSelector = {
  kind: 'semver',
  range: parseRange('>=20 <23', { includePrerelease: true }),
  text: '>=20 <23',
}

const keptBy = (selection: Omit<VersionSelection, 'tags'>, ...tags: readonly string[]): readonly string[] =>
  selectProtected({ tags: versions, ...selection }, tags, plainReading).tags

describe('a protection of the versions of variants', () => {
  it('selects the versions of the variants that its globs match, and no others', () => {
    const tags = [
      '20.11.1-alpine3.20',
      '20.11.1-alpine',
      '20.11.1-slim',
      '20.11.1',
      'alpine3.20',
      '19.0.0-alpine',
    ]
    expect(keptBy({ variant: ['alpine*'] }, ...tags)).toEqual(['20.11.1-alpine3.20', '20.11.1-alpine'])
  })

  it('reads 20.11.1-alpine3.20 as a release: newer pre-releases use no slot of it', () => {
    const newest = { per: 'major', count: 1 } as const
    const tags = ['20.11.1-alpine3.20', '20.11.2-rc.1-alpine3.20', '20.11.0-alpine3.20']
    expect(keptBy({ variant: ['alpine3.*'], newest }, ...tags)).toEqual(['20.11.2-rc.1-alpine3.20'])
    expect(keptBy({ variant: ['alpine3.*'], newest }, ...tags.toSpliced(1, 1))).toEqual([
      '20.11.1-alpine3.20',
    ])
  })

  it('counts each variant separately', () => {
    const newest = { per: 'minor', count: 1 } as const
    const tags = ['20.11.1-alpine3.19', '20.11.0-alpine3.20', '20.11.0-alpine3.19', '20.10.0-alpine3.20']
    expect(keptBy({ variant: ['alpine3.*'], newest }, ...tags).toSorted()).toEqual([
      '20.10.0-alpine3.20',
      '20.11.0-alpine3.20',
      '20.11.1-alpine3.19',
    ])
  })

  it('keeps a version-like tag of such a variant, and not one of another', () => {
    const tags = ['20.1.2.3-alpine', '20.1.2.3-slim', '20.1.2.3', '20.1-alpine']
    expect(keptBy({ variant: ['alpine'] }, ...tags)).toEqual(['20.1.2.3-alpine'])
  })
})
