import { describe, expect, it } from 'vitest'
import { tagRequests, type TagArguments } from '../../../src/cli/arguments/tag-requests.ts'
import { warnAboutMissingSuffix, warnAboutVersionFlags } from '../../../src/cli/arguments/tagging-policy.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import type { TagRequest as Request } from '../../../src/usecases/tag/request.ts'

const { config } = parseConfig(
  {
    file: '/p/dray.yaml',
    content: `version: 1
environments:
  staging: { registry: r.example, path: "staging/{image}" }
  prod: { registry: r.example, path: "prod/{image}", tags: { immutable: ["release-*"], v: always } }
`,
  },
  'dray.yaml',
)

function requests(references: readonly string[], options: Partial<TagArguments> = {}): readonly Request[] {
  const policy = { levels: undefined, channels: undefined, allowBackward: false }
  const all = { env: undefined, tags: [], next: undefined, fromLabel: false, policy, cwd: '/p' }
  return tagRequests({ ...all, references, ...options }, config)
}

function summariesOf(args: readonly string[], options: Partial<TagArguments> = {}): readonly string[] {
  return requests(args, options).map(({ targets, at, choice }) => {
    const [{ registry, path }] = targets
    const image = `${registry}/${path}${'tag' in at ? `:${at.tag}` : `@${at.digest}`}`
    return `${image} ${choice.kind === 'version' ? choice.given.tag : choice.kind}`
  })
}

describe('the arguments of dray tag', () => {
  it('are images followed by their version', () => {
    expect(summariesOf(['@staging/api:build', '@prod/web', '1.4.2'])).toEqual([
      'r.example/staging/api:build 1.4.2',
      'r.example/prod/web:latest 1.4.2',
    ])
  })

  it('need no version if the tag of the image is one, or with a flag', () => {
    expect(summariesOf(['@prod/api:v1.4.2'])).toEqual(['r.example/prod/api:v1.4.2 v1.4.2'])
    expect(summariesOf(['api:build'], { env: 'prod', next: 'minor' })).toEqual([
      'r.example/prod/api:build next',
    ])
    expect(summariesOf(['api:build', 'web:build'], { env: 'prod', fromLabel: true })).toHaveLength(2)
  })

  it.each([
    ['two versions', ['@prod/api:build', '1.4.2', '1.4.3'], {}, '1.4.2 is a version'],
    ['a version before the image', ['1.4.2', '@prod/api:build'], {}, '1.4.2 is a version'],
    ['a version and a flag', ['@prod/api', '1.4.2'], { next: 'minor' }, '1.4.2 and --next cannot'],
    [
      'a version before the image and a flag',
      ['1.4.2', '@prod/api'],
      { fromLabel: true },
      '1.4.2 and --from-label cannot',
    ],
    ['two flags', ['@prod/api'], { next: 'minor', fromLabel: true }, '--next and --from-label cannot'],
    ['no version at all', ['@prod/api:build'], {}, 'the version of'],
    ['an invalid version', ['@prod/api:build', '1.4'], {}, '"1.4" is not a version'],
    ['an environment', ['@prod', '1.4.2'], {}, 'is an environment, not an image'],
    ['an image of another one', ['@staging/api', '1.4.2'], { env: 'prod' }, 'is not in prod'],
  ] as const)('are refused with %s', (_, args, options, message) => {
    expect(() => requests(args, options)).toThrow(message)
  })

  it('can name an image with the name of a version if it is written with its environment', () => {
    expect(summariesOf(['@prod/1.4.2', '2.0.0'])).toEqual(['r.example/prod/1.4.2:latest 2.0.0'])
  })

  it('can be a reference, and the rules of its environment apply', () => {
    const [request] = requests(['r.example/prod/api:build', '1.4.2'])
    expect(request).toMatchObject({ environment: 'prod', immutable: ['release-*'], policy: { v: 'always' } })
  })
})

describe('versions by the scheme of a repository', () => {
  const own = parseConfig(
    {
      file: '/p/dray.yaml',
      content: `version: 1
environments:
  staging: { registry: r.example, path: "staging/{image}" }
  dates: { registry: r.example, path: "dates/{image}", tags: { scheme: calver, variants: [slim] } }
images:
  api: {}
  bird: { tags: { scheme: loose } }
  fish: { tags: { scheme: semver } }
`,
    },
    'dray.yaml',
  ).config
  const plain = { levels: undefined, channels: undefined, allowBackward: false }
  const request = (references: readonly string[], policy: object = {}, more: Partial<TagArguments> = {}) => {
    const all = { env: undefined, tags: [], next: undefined, fromLabel: false, cwd: '/p', ...more }
    return tagRequests({ ...all, references, policy: { ...plain, ...policy } }, own)
  }

  it.each<[readonly string[], object, string, string]>([
    [['@staging/api:b', '2024.10.15'], {}, 'semver', 'environments.staging.tags'],
    [['@staging/api:2024.10.15'], {}, 'semver', 'environments.staging.tags'],
    [['@staging/api:b', '2024.04.1'], { scheme: 'semver' }, 'semver', 'environments.staging.tags'],
  ])('refuse %j with flags %j and name the scheme calver and the key', (args, policy, scheme, key) => {
    expect(() => request(args, policy)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(`is not a version in the scheme ${scheme}`),
        why: 'it is a version in the scheme calver',
        hint: `Set "scheme: calver" in ${key} of dray.yaml, or pass --scheme calver.`,
      }),
    )
  })

  it('name the key of an image with a scheme of its own, and only the flag outside of environments', () => {
    expect(() => request(['@dates/fish:b', '2024.04.1'])).toThrow(
      expect.objectContaining({
        hint: 'Set "scheme: calver" in images.fish.tags of dray.yaml, or pass --scheme calver.',
      }),
    )
    expect(() => request(['r.example/x/y:b', '2024.10.15'])).toThrow(
      expect.objectContaining({ hint: 'Pass --scheme calver.' }),
    )
    expect(() => request(['@dates/api:b', '1.4.2'])).toThrow(
      expect.objectContaining({
        hint: 'Set "scheme: semver" in environments.dates.tags of dray.yaml, or pass --scheme semver.',
      }),
    )
  })

  it('are read with the flags, which replace the scheme and add to the lists', () => {
    const flags = { scheme: 'loose', variants: ['alpine'], ignoreVersions: ['nightly-*'] }
    const [tagged] = request(['@dates/api:b', '1.4.2.1-slim'], flags)
    expect(tagged?.policy).toMatchObject({
      scheme: 'loose',
      variants: ['slim', 'alpine'],
      ignoreVersions: ['nightly-*'],
      twoNumbers: true,
    })
    expect(tagged?.choice).toMatchObject({ given: { version: { variant: 'slim' } } })
    expect(warnAboutVersionFlags(request(['@dates/api:b', '1.4.2.1-slim'], flags), own)).toEqual([
      'flags change how the tags of dates are read, for this run only; for other commands, set scheme: loose, variants: ["slim","alpine"], ignoreVersions: ["nightly-*"] in environments.dates.tags of dray.yaml',
    ])
  })

  it('have two numbers in loose only if no minor tags are written', () => {
    const two = (reference: string, policy: object) =>
      request([reference, '1.2.3'], policy)[0]?.policy.twoNumbers
    expect(two('r.example/x/y:b', { scheme: 'loose' })).toBe(false)
    expect(two('r.example/x/y:b', { scheme: 'loose', levels: ['exact', 'latest'] })).toBe(true)
    expect(two('@dates/bird:b', {})).toBe(true)
    expect(two('@dates/bird:b', { levels: ['exact', 'minor'] })).toBe(false)
    expect(two('@staging/api:b', {})).toBe(false)
  })

  it('warn about a version without the suffix that --variant names', () => {
    const flags = { ...plain, variants: ['alpine'] }
    const warnings = (version: string) => {
      const [made] = request(['r.example/x/y:b', version], flags)
      return warnAboutMissingSuffix(made?.choice.kind === 'version' ? [made.choice.given] : [], flags)
    }
    expect(warnings('1.4.2-alpine')).toEqual([])
    expect(warnings('1.4.2')).toEqual([
      '1.4.2 does not have the suffix of --variant alpine; to tag the variant, name the version 1.4.2-alpine',
    ])
  })

  it.each<[object, Partial<TagArguments>, string]>([
    [{}, { next: 'minor' }, '--next minor is not possible in the scheme calver'],
    [{ variants: ['alpine', 'slim'] }, { next: 'patch' }, '--next requires one --variant'],
    [{ variants: ['debian-*'] }, { next: 'patch' }, '--next requires one --variant'],
  ])('refuse the flags %j with %j', (policy, more, message) => {
    expect(() => request(['@dates/api:b'], policy, more)).toThrow(message)
  })

  it('have the suffix of --variant after --next', () => {
    const [next] = request(['@dates/api:b'], { variants: ['slim'] }, { next: 'patch' })
    expect(next?.choice).toEqual({ kind: 'next', part: 'patch', variant: 'slim' })
  })
})
