import { describe, expect, it } from 'vitest'
import { plainReading, type VersionReading } from '../../src/semver/version.ts'
import { suspectVariants, warnAboutTags } from '../../src/semver/warn-about-tags.ts'
import { versionTagsIn } from '../../src/semver/version.ts'

function warnings(tags: string, reading: Partial<VersionReading> = {}): readonly string[] {
  return warnAboutTags(tags.split(' '), { ...plainReading, ...reading }, { maintainsLatest: true })
}

describe('a warning about version-like tags', () => {
  it('has the fix', () => {
    expect(warnings('1.4.2 2024.10.15 latest')).toEqual([
      'the scheme semver does not read 1 version-like tag (2024.10.15): if it is a version above the others, set scheme: loose under tags in dray.yaml; otherwise list it under ignoreVersions',
    ])
  })

  it('has their number and the first five', () => {
    const tags = Array.from({ length: 40 }, (_, i) => `2022.06.${i}`)
    expect(warnAboutTags(tags, plainReading)).toEqual([
      'the scheme semver does not read 40 version-like tags (2022.06.0, 2022.06.1, 2022.06.2, 2022.06.3, 2022.06.4, …): if they are versions, set scheme: calver under tags in dray.yaml; otherwise list them under ignoreVersions',
    ])
  })

  it.each<readonly [string, Partial<VersionReading>, string]>([
    ['27.3.4.1 27.3.4.2', {}, 'set scheme: loose under'],
    ['1.4.1_build.7', {}, 'set buildMetadata: true under'],
    ['2024.04.1_build.7', {}, 'set scheme: calver and buildMetadata: true under'],
    ['5.8.1 5.8.2', { scheme: 'calver' }, 'set scheme: semver under'],
    ['5.8.1 2021.12.1 2022.01.1', { scheme: 'calver' }, 'if it is a version, set scheme: loose under'],
    ['5.8.1 2021.12.1 2022.01.1', {}, 'if they are versions above the others, set scheme: loose under'],
    ['1.4.1 1.4.2 1.4.3 2021.12.1', {}, 'if it is a version above the others, set scheme: loose under'],
    ['27.3.4 27.3.4.1', {}, 'if it is a version, set scheme: loose under'],
    ['2024.99.1', { scheme: 'calver' }, 'set scheme: loose under'],
    ['1.2.3.4.5', {}, '(1.2.3.4.5): list it under ignoreVersions in dray.yaml'],
    ['3.17.0_rc1 3.17.0', {}, '(3.17.0_rc1): list it under ignoreVersions in dray.yaml'],
    ['1.4.2 1.2.3.4.5 1.4.3_build.7', {}, 'set buildMetadata: true under'],
    ['2024.04.1 2024.05.1 1.4.1_amd64', {}, 'set scheme: calver under'],
  ])('for %s with %o: %s', (tags, reading, fix) => {
    expect(warnings(tags, reading)).toEqual([expect.stringContaining(fix)])
  })

  it.each<readonly [string, Partial<VersionReading>]>([
    ['1.4.2 1.5.0-rc.1 latest 1.4 1 20240101 99 abc1234 build-1.2.3', {}],
    ['2024.10.15 1.4.1_amd64', { ignoreVersions: ['2024.*', '*_amd64'] }],
    ['2024.10.15 2024.4.1', { scheme: 'calver' }],
    ['1.4.1_build.7', { buildMetadata: true }],
  ])('is not there for %s with %o', (tags, reading) => {
    expect(warnings(tags, reading)).toEqual([])
  })
})

describe('a warning about undeclared variants', () => {
  it('names the entry of variants', () => {
    expect(warnings('1.2.3-alpine 1.2.4-alpine 1.2.4')).toEqual([
      'versions with the suffix alpine are read as pre-releases: if it is a variant, set variants: ["alpine"] under tags in dray.yaml',
    ])
    expect(warnings('1.2.3-slim 1.2.4-slim 1.2.3-alpine3.19 1.2.4-alpine3.19')).toEqual([
      'versions with the suffixes alpine3.19, slim are read as pre-releases: if they are variants, set variants: ["alpine3.19", "slim"] under tags in dray.yaml',
    ])
  })

  it('names one glob for suffixes that differ in a number', () => {
    const suffixes = ['alpine', 'alpine3.19', 'alpine3.20', 'alpine-perl', 'otel', 'bookworm', 'perl']
    const tags = suffixes.flatMap((suffix) => [`1.2.3-${suffix}`, `1.2.4-${suffix}`])
    expect(warnAboutTags(tags, plainReading)).toEqual([
      'versions with the suffixes alpine, alpine-perl, alpine3.19, alpine3.20, bookworm, … are read as pre-releases: if they are variants, set variants: ["alpine*", "bookworm", "otel", "perl"] under tags in dray.yaml',
    ])
  })

  it.each([
    ['one version', '1.2.3-alpine 1.2.4'],
    ['one version in two spellings', '1.2.3-alpine v1.2.3-alpine'],
    ['a pre-release word', '1.2.3-rc1 1.2.4-rc1 1.2.3-SNAPSHOT 1.2.4-SNAPSHOT 1.3.0-beta.1 1.4.0-beta.1'],
    ['a number', '1.2.3-1 1.2.4-1 1.2.3-20240105 1.2.4-20240105'],
    ['different suffixes', '1.2.3-gabc1234 1.2.4-gdef5678'],
  ])('is not there for %s', (_, tags) => {
    expect(warnings(tags)).toEqual([])
  })

  it.each([
    ['1.2.3-latest 1.2.4-latest', 'latest'],
    ['1.2.3--alpine 1.2.4--alpine', '-alpine'],
  ])('does not advise a variant that dray.yaml cannot have: %s', (tags, suffix) => {
    expect(warnings(tags)).toEqual([
      `versions with the suffix ${suffix} are read as pre-releases: if they are not versions, list them under ignoreVersions in dray.yaml`,
    ])
  })

  it('is not there for declared variants', () => {
    expect(warnings('1.2.3-alpine 1.2.4-alpine', { variants: ['alpine'] })).toEqual([])
  })

  it('can be about a variant beside declared ones', () => {
    const reading = { ...plainReading, variants: ['alpine'] }
    const versions = versionTagsIn(['1.2.3-slim', '1.2.4-slim', '1.2.4-alpine'], reading)
    expect([...suspectVariants(versions.map(({ version }) => version))]).toEqual(['slim'])
  })
})

describe('a warning about a repository in no environment', () => {
  const warned = (...tags: string[]) => warnAboutTags(tags, plainReading, { byFlags: true })

  it.each([
    [['2024.10.15'], 'if it is a version, pass --scheme calver; otherwise name it with --ignore-versions'],
    [
      ['1.4.1_build.7', '1.4.1'],
      'if it is a version, pass --build-metadata; otherwise name it with --ignore-versions',
    ],
    [['1.4.2__'], '(1.4.2__): name it with --ignore-versions'],
    [['1.4.2-alpine', '1.4.3-alpine'], 'if it is a variant, pass --variant "alpine"'],
  ])('names flags: %s', (tags, fix) => {
    const [text, ...others] = warned(...tags)
    expect(text?.endsWith(fix), text).toBe(true)
    expect(others).toEqual([])
  })
})

describe('a warning about identifiers that compare as text', () => {
  it('suggests a dot before the number', () => {
    expect(warnings('1.1.1-rc9 1.1.1-rc10')).toEqual([
      'rc10 is below rc9, because identifiers with letters compare as text: write rc.10 in new versions',
    ])
    expect(warnings('1.1.1-rc9 1.2.0-rc10 1.1.1-beta.b1 1.1.1-beta.b100')).toEqual([
      'b10 is below b9 and rc10 is below rc9, because identifiers with letters compare as text: write b.10 and rc.10 in new versions',
    ])
  })

  it.each<readonly [string, Partial<VersionReading>]>([
    ['1.1.1-rc.9 1.1.1-rc.10', {}],
    ['1.1.1-rc09 1.1.1-rc10', {}],
    ['1.1.1-rc1 1.1.1-beta10', {}],
    ['1.1.1-rc9 1.1.1-rc10', { scheme: 'loose' }],
  ])('is not there for %s with %o', (tags, reading) => {
    expect(warnings(tags, reading)).toEqual([])
  })
})

describe('a warning about latest-alpine', () => {
  const reading = { ...plainReading, variants: ['alpine'] }

  it('names the floating tag that dray maintains', () => {
    expect(warnings('1.2.3-alpine latest-alpine alpine', reading)).toEqual([
      'dray does not maintain latest-alpine, because alpine is the floating tag of this variant: use alpine, and delete latest-alpine',
    ])
  })

  it('is not there without a version of the variant, or if the policy has no latest', () => {
    expect(warnings('1.2.3 latest-alpine', reading)).toEqual([])
    expect(warnings('1.2.3-alpine latest-slim latest', reading)).toEqual([])
    expect(warnAboutTags(['1.2.3-alpine', 'latest-alpine'], reading)).toEqual([])
  })
})
