import { describe, expect, it } from 'vitest'
import { checkExpiry, holdRequests, listedRepositories } from '../../../src/cli/holds/hold-requests.ts'
import { emptyConfig } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/parse.ts'

const content = `
version: 1
environments:
  staging: { registry: r.example.com, path: "staging/{image}" }
  prod:
    targets:
      - { registry: eu.example.com, path: "prod/{image}" }
      - { registry: us.example.com, path: "prod/{image}" }
images: { api: {}, web: {} }
`
const { config } = parseConfig({ file: '/x/dray.yaml', content }, 'dray.yaml')

describe('the images of dray hold', () => {
  it('are held in each target of their environment, each once', () => {
    expect(holdRequests(['@prod/api:1.4.2', '@prod/api:1.4.2'], undefined, config)).toEqual([
      {
        image: 'api:1.4.2',
        environment: 'prod',
        targets: [
          { registry: 'eu.example.com', path: 'prod/api' },
          { registry: 'us.example.com', path: 'prod/api' },
        ],
        at: { tag: '1.4.2' },
      },
    ])
    expect(holdRequests(['api:1.4.2'], 'staging', config)).toMatchObject([{ environment: 'staging' }])
  })

  it('must name their environment, and be images of a registry', () => {
    for (const text of ['api:1.4.2', '@prod', 'oci:./folder:1'])
      expect(() => holdRequests([text], undefined, config)).toThrow(
        expect.objectContaining({ code: 'usage' }) as Error,
      )
    expect(() => holdRequests([], undefined, config)).toThrow('an image is missing')
  })
})

describe('the repositories of dray hold --list', () => {
  const pathsOf = (references: readonly string[], env?: string) =>
    listedRepositories(references, env, config).map(
      ({ repository: { registry, path } }) => `${registry}/${path}`,
    )

  it('are those of all environments by default, each once', () => {
    expect(pathsOf([])).toHaveLength(6)
    expect(pathsOf(['@staging', '@staging/api'])).toEqual([
      'r.example.com/staging/api',
      'r.example.com/staging/web',
    ])
    expect(pathsOf(['api'], 'staging')).toEqual(['r.example.com/staging/api'])
    expect(pathsOf(['r.example.com/other/api'])).toEqual(['r.example.com/other/api'])
  })

  it('must be named without dray.yaml', () => {
    expect(() => listedRepositories([], undefined, emptyConfig)).toThrow('repository is missing')
  })
})

describe('--expires', () => {
  const now = Date.parse('2026-11-28T23:59:00Z')

  it('is a day that is not over', () => {
    expect(checkExpiry('2026-11-28', now)).toBe('2026-11-28')
    for (const text of ['2026-11-27', '2027-02-30', '7d', 'tomorrow'])
      expect(() => checkExpiry(text, now)).toThrow('is no value of --expires')
  })
})
