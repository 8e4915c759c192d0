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

function requests(references: readonly string[], said: Partial<TagArguments> = {}): readonly Request[] {
  const policy = { levels: undefined, channels: undefined, allowBackward: false }
  const all = { env: undefined, tags: [], next: undefined, fromLabel: false, policy, cwd: '/p' }
  return tagRequests({ ...all, references, ...said }, config)
}

function told(words: readonly string[], said: Partial<TagArguments> = {}): readonly string[] {
  return requests(words, said).map(({ targets, at, wish }) => {
    const [{ registry, path }] = targets
    const where = `${registry}/${path}${'tag' in at ? `:${at.tag}` : `@${at.digest}`}`
    return `${where} ${wish.kind === 'version' ? wish.given.tag : wish.kind}`
  })
}

describe('the words of dray tag', () => {
  it('are images, and behind them their version', () => {
    expect(told(['@staging/api:build', '@prod/web', '1.4.2'])).toEqual([
      'r.example/staging/api:build 1.4.2',
      'r.example/prod/web:latest 1.4.2',
    ])
  })

  it('need no version where the tag of the image is one, or a flag says it', () => {
    expect(told(['@prod/api:v1.4.2'])).toEqual(['r.example/prod/api:v1.4.2 v1.4.2'])
    expect(told(['api:build'], { env: 'prod', next: 'minor' })).toEqual(['r.example/prod/api:build next'])
    expect(told(['api:build', 'web:build'], { env: 'prod', fromLabel: true })).toHaveLength(2)
  })

  it.each([
    ['two versions', ['@prod/api:build', '1.4.2', '1.4.3'], {}, '1.4.2 is a version'],
    ['a version before the image', ['1.4.2', '@prod/api:build'], {}, '1.4.2 is a version'],
    ['a version and a flag', ['@prod/api', '1.4.2'], { next: 'minor' }, '1.4.2 and --next cannot'],
    ['… wherever it stands', ['1.4.2', '@prod/api'], { fromLabel: true }, '1.4.2 and --from-label cannot'],
    ['two flags', ['@prod/api'], { next: 'minor', fromLabel: true }, '--next and --from-label cannot'],
    ['no version at all', ['@prod/api:build'], {}, 'nothing says which tags'],
    ['what is none', ['@prod/api:build', '1.4'], {}, '"1.4" is not a version'],
    ['an environment', ['@prod', '1.4.2'], {}, 'is an environment, not an image'],
    ['an image of another one', ['@staging/api', '1.4.2'], { env: 'prod' }, 'is not in prod'],
  ] as const)('are wrong with %s', (_, words, said, message) => {
    expect(() => requests(words, said)).toThrow(message)
  })

  it('name an image that is called like a version where they say that it is one', () => {
    expect(told(['@prod/1.4.2', '2.0.0'])).toEqual(['r.example/prod/1.4.2:latest 2.0.0'])
  })

  it('may name a repository by itself: the rules of its environment are in force all the same', () => {
    const [request] = requests(['r.example/prod/api:build', '1.4.2'])
    expect(request).toMatchObject({ environment: 'prod', immutable: ['release-*'], policy: { v: 'always' } })
  })
})
