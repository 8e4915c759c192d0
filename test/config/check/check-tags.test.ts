import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../src/config/parse.ts'

const read = (content: string): unknown => parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml').config
const environment = (tags: string): string =>
  `version: 1\nenvironments:\n  prod: { registry: r.io, path: "{image}", tags: ${tags} }\n`
const image = (tags: string): string =>
  `version: 1\nenvironments:\n  prod: { registry: r.io, path: "{image}", tags: { channels: [blue] } }\nimages:\n  api: { tags: ${tags} }\n`

const inPlace: readonly (readonly [tags: string, message: string])[] = [
  ['{ scheme: calendar }', 'must be one of semver, calver, loose'],
  ['{ shceme: calver }', 'unknown key "shceme"; did you mean "scheme"?'],
  ['{ variant: [alpine] }', 'unknown key "variant"; did you mean "variants"?'],
  ['{ ignoreVersion: [] }', 'unknown key "ignoreVersion"; did you mean "ignoreVersions"?'],
  ['{ variants: alpine }', 'must be a list of globs of suffixes'],
  ['{ variants: ["a b"] }', '"a b" matches no tag'],
  ['{ variants: [-alpine] }', 'must not begin with "-": write "alpine"'],
  ['{ variants: [alpine, latest] }', '"latest" matches latest, which is the floating tag'],
  ['{ variants: ["*"] }', '"*" matches latest'],
  ['{ variants: ["rc*"] }', '"rc*" matches rc, which is a pre-release'],
  ['{ variants: [SNAPSHOT] }', '"SNAPSHOT" matches snapshot, which is a pre-release'],
  ['{ variants: ["RC*"] }', '"RC*" matches rc, which is a pre-release'],
  ['{ variants: ["7"] }', '"7" matches 7, which is the floating tag of versions without a variant'],
  ['{ variants: ["3.*"] }', '"3.*" matches 3.20, which is the floating tag of versions without a variant'],
  ['{ variants: ["?c"] }', '"?c" matches rc'],
  ['{ variants: [rc1] }', '"rc1" matches rc1'],
  ['{ variants: ["beta.*"] }', '"beta.*" matches beta.1'],
  ['{ variants: [dev] }', '"dev" matches dev'],
  ['{ variants: ["next-*"] }', '"next-*" matches next-1'],
  ['{ variants: ["blu*"], channels: [blue] }', '"blu*" matches blue, which is a channel'],
  ['{ ignoreVersions: ["a b"] }', '"a b" matches no tag'],
  ['{ ignoreVersions: "9.*" }', 'must be a list of globs of tags'],
  ['{ buildMetadata: 1 }', 'must be true or false'],
]

describe('the tag rules of an environment', () => {
  it.each<readonly [tags: string, message: string]>([
    ...inPlace,
    ['{ semver: [minor] }', 'must contain exact'],
    ['{ semver: [exact, latest], immutable: ["*"] }', 'which `semver` or `channels` moves'],
    ['{ semver: [exact], channels: [latest] }', 'is the name of another floating tag'],
    ['{ semver: [exact, pacth] }', 'must be one of exact, minor, major, latest'],
    ['{ immutable: ["a b"] }', 'matches no tag'],
    [
      '{ semver: [exact, minor], variants: [alpine], immutable: ["*-alpine"] }',
      '"*-alpine" matches 1.4-alpine, which `semver` or `channels` moves',
    ],
    [
      '{ semver: [exact, latest], variants: ["debian-*"], immutable: ["debian-*"] }',
      '"debian-*" matches debian-1, which',
    ],
    ['{ semver: [exact, major], scheme: calver, immutable: ["20??"] }', '"20??" matches 2024, which'],
  ])('%s: %s', (tags, message) => {
    expect(() => read(environment(tags))).toThrowError(
      expect.objectContaining({ code: 'config', message: expect.stringContaining(message) }),
    )
  })

  it.each([
    '{ semver: [exact, minor, major, latest], scheme: calver, variants: [alpine, slim, "debian-*", "*-slim"], ignoreVersions: ["nightly-*", "*_amd64"], buildMetadata: true }',
    '{ scheme: loose, variants: [debug, preload, betamax, "alpine*", fat], ignoreVersions: ["*"] }',
    '{ semver: [exact, latest], variants: [alpine], immutable: ["release-*"] }',
  ])('accept %s', (tags) => {
    expect(() => read(environment(tags))).not.toThrow()
  })
})

describe('the tag rules of an image', () => {
  it('cannot make a floating tag of one that an environment does not move', () => {
    const content = image('{ variants: [alpine] }').replace(
      'channels: [blue]',
      'semver: [exact, latest], immutable: [alp*]',
    )
    expect(() => read(content)).toThrowError('"alp*" matches alpine, which `semver` or `channels` moves')
  })

  it.each<readonly [tags: string, message: string]>([
    ...inPlace.filter(([tags]) => !tags.includes('channels')),
    ['{ variants: ["blu*"] }', '"blu*" matches blue, which is a channel'],
    [
      '{ semver: [exact] }',
      'unknown key "semver"; known here: scheme, variants, ignoreVersions, buildMetadata',
    ],
  ])('%s: %s', (tags, message) => {
    expect(() => read(image(tags))).toThrowError(
      expect.objectContaining({ code: 'config', message: expect.stringContaining(message) }),
    )
  })
})
