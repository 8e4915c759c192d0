import { describe, expect, it } from 'vitest'
import { tagRequests, type TagArguments } from '../../../src/cli/arguments/tag-requests.ts'
import { parseConfig } from '../../../src/config/load.ts'
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
