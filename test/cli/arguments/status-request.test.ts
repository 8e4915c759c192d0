import { describe, expect, it } from 'vitest'
import { resolveStatusRequest } from '../../../src/cli/arguments/status-request.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { outcomeOf } from '../../support/error-code.ts'

const config = (content: string) =>
  parseConfig({ file: '/p/dray.yaml', content: `version: 1\n${content}` }, 'dray.yaml').config
const staged = config(`
environments:
  dev: { registry: r.example, path: "dev/{image}" }
  staging: { registry: r.example, path: "staging/{image}", promoteFrom: [dev], currentTag: current }
  prod:
    promoteFrom: [staging, dev]
    tags: { buildMetadata: true, scheme: calver }
    targets:
      - { registry: eu.example, path: "prod/{image}" }
      - { registry: us.example, path: "prod/{image}" }
images:
  api: {}
  web: { name: frontend/web, tags: { scheme: loose } }
`)
const free = config(`
environments:
  a: { registry: r.example, path: "a/{image}" }
  b: { registry: r.example, path: "b/{image}" }
  c: { registry: r.example, path: "c/{image}" }
`)

const images = (...args: readonly string[]) => [
  ...new Set(resolveStatusRequest(args, [], staged).targets.map(({ image }) => image)),
]

describe('the request of dray status', () => {
  it('has all targets of all environments for each image, with current-version tag and tag rules', () => {
    expect(resolveStatusRequest(['web'], [], staged).targets).toMatchObject([
      { repository: { path: 'dev/frontend/web' }, currentTag: 'latest', reading: { buildMetadata: false } },
      { repository: { path: 'staging/frontend/web' }, currentTag: 'current' },
      {
        repository: { registry: 'eu.example' },
        currentTag: 'latest',
        reading: { buildMetadata: true, scheme: 'loose' },
      },
      { repository: { registry: 'us.example' } },
    ])
  })

  it('has the images of dray.yaml if none is named, and each named image once', () => {
    expect(images()).toEqual(['api', 'web'])
    expect(images('@prod/api', 'us.example/prod/api', 'r.example/staging/frontend/web')).toEqual([
      'api',
      'web',
    ])
  })

  it('has the named environments in the order of dray.yaml', () => {
    const { environments, paths } = resolveStatusRequest([], ['prod', '@staging'], staged)
    expect(environments).toEqual(['staging', 'prod'])
    expect(paths).toEqual([{ from: 'staging', to: 'prod' }])
  })

  it('compares along promoteFrom, or in the order of the file without promoteFrom', () => {
    expect(resolveStatusRequest([], [], staged).paths).toEqual([
      { from: 'dev', to: 'staging' },
      { from: 'staging', to: 'prod' },
      { from: 'dev', to: 'prod' },
    ])
    expect(resolveStatusRequest(['api'], [], free).paths).toEqual([
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
    ])
    expect(resolveStatusRequest(['api'], ['a', 'c'], free).paths).toEqual([{ from: 'a', to: 'c' }])
  })

  it('compares with the environments before one of promoteFrom that is not named', () => {
    const chain = config(`
environments:
  dev: { registry: r.example, path: "dev/{image}" }
  staging: { registry: r.example, path: "staging/{image}", promoteFrom: [dev] }
  qa: { registry: r.example, path: "qa/{image}", promoteFrom: [dev] }
  prod: { registry: r.example, path: "prod/{image}", promoteFrom: [staging, qa] }
`)
    const pathsOf = (...only: readonly string[]) => resolveStatusRequest(['api'], only, chain).paths
    expect(pathsOf('dev', 'prod')).toEqual([{ from: 'dev', to: 'prod' }])
    expect(pathsOf('dev', 'qa', 'prod')).toEqual([
      { from: 'dev', to: 'qa' },
      { from: 'dev', to: 'prod' },
      { from: 'qa', to: 'prod' },
    ])
    expect(pathsOf('staging', 'qa')).toEqual([])
  })

  it.each([
    [['oci:dir']],
    [['@prod']],
    [['api:1']],
    [['API']],
    [['@nowhere/api']],
    [['other']],
    [['@prod/other']],
    [['elsewhere.example/api']],
  ])('is refused for %j', (args) => {
    expect(outcomeOf(() => resolveStatusRequest(args, [], staged))).toBe('usage')
  })

  it('is refused if dray.yaml lists no images or has no environments', () => {
    expect(outcomeOf(() => resolveStatusRequest([], [], free))).toBe('usage')
    expect(outcomeOf(() => resolveStatusRequest(['api'], [], config('')))).toBe('usage')
    expect(outcomeOf(() => resolveStatusRequest(['api'], ['x'], free))).toBe('usage')
    expect(outcomeOf(() => resolveStatusRequest(['@b/api'], ['a'], free))).toBe('usage')
  })
})
