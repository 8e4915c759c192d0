import { describe, expect, it } from 'vitest'
import { type HistoryRequest, resolveHistoryRequest } from '../../../src/cli/arguments/history-request.ts'
import { emptyConfig } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { digestOf } from '../../../src/oci/digest.ts'

const { config } = parseConfig(
  {
    file: '/p/dray.yaml',
    content: `version: 1
environments:
  dev: { registry: r.example, path: "dev/{image}" }
  staging: { registry: r.example, path: "staging/{image}", promoteFrom: [dev] }
  prod:
    promoteFrom: [staging]
    attest: false
    targets:
      - { registry: eu.example, path: "prod/{image}" }
      - { registry: us.example, path: "prod/{image}" }
  partners: { registry: r.example, path: "partners/{image}", attest: true }
images:
  api: {}
  web: { name: frontend/web }
`,
  },
  'dray.yaml',
)
const digest = digestOf('x')

const request = (argument: string, limit?: number): HistoryRequest =>
  resolveHistoryRequest(argument, limit, config)
const targetsOf = ({ targets }: HistoryRequest): readonly string[] =>
  targets.map(({ environment, repository }) => `${environment} ${repository.registry}/${repository.path}`)

const ofApi = [
  'dev r.example/dev/api',
  'staging r.example/staging/api',
  'prod eu.example/prod/api',
  'prod us.example/prod/api',
  'partners r.example/partners/api',
]

describe('the repositories of dray history', () => {
  it('are all targets of all environments, in the order of the configuration', () => {
    expect(targetsOf(request('api'))).toEqual(ofApi)
    expect(targetsOf(request('@prod/api:1.4.2'))).toEqual(ofApi)
  })

  it('have the name of the image in the registry', () => {
    expect(targetsOf(request('web'))).toContain('prod eu.example/prod/frontend/web')
  })

  it('are the same for a reference to one of them, and one repository for any other', () => {
    expect(targetsOf(request('us.example/prod/api:1.4.2'))).toEqual(ofApi)
    expect(targetsOf(request('other.example/x/api:1'))).toEqual(['other.example/x/api other.example/x/api'])
    expect(resolveHistoryRequest('other.example/x/api', 5, emptyConfig)).toMatchObject({
      targets: [{ byPromotion: true }],
      subject: { limit: 5 },
    })
  })

  it('are one layout for a layout', () => {
    expect(request('oci:./images:1.4.2')).toMatchObject({
      targets: [{ repository: { registry: 'oci:', path: './images' } }],
      subject: { tag: '1.4.2' },
    })
  })

  it('are not those of an environment, which is an error with a hint', () => {
    expect(() => request('@prod')).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.stringContaining('@prod/NAME') }),
    )
  })
})

describe('the subject of dray history', () => {
  it('is a digest, otherwise a tag, otherwise a number of versions', () => {
    expect(request(`api@${digest}`).subject).toEqual({ digest })
    expect(request(`api:1.4.2@${digest}`).subject).toEqual({ digest })
    expect(request('api:1.4.2').subject).toEqual({ tag: '1.4.2' })
    expect(request('api', 20).subject).toEqual({ limit: 20 })
    expect(request('api').subject).toEqual({ limit: undefined })
    expect(request('us.example/prod/api:1.4.2').subject).toEqual({ tag: '1.4.2' })
  })
})

describe('an environment', () => {
  it('gets images by promotion if attest is true, or promoteFrom is set and attest is not false', () => {
    const byPromotion = request('api').targets.map((target) => [target.environment, target.byPromotion])
    expect(byPromotion).toEqual([
      ['dev', false],
      ['staging', true],
      ['prod', false],
      ['prod', false],
      ['partners', true],
    ])
  })
})
