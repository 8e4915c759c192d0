import { describe, expect, it } from 'vitest'
import { resolveDiffRequest } from '../../../src/cli/arguments/diff-request.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { outcomeOf } from '../../support/error-code.ts'

const { config } = parseConfig(
  {
    file: '/p/dray.yaml',
    content: `version: 1
environments:
  staging: { registry: r.example, path: "staging/{image}", currentTag: current, tags: { channels: [next] } }
  prod:
    targets:
      - { registry: eu.example, path: "prod/{image}" }
      - { registry: us.example, path: "prod/{image}" }
images: { api: {}, web: { name: frontend/web } }
`,
  },
  'dray.yaml',
)

describe('the request of dray diff', () => {
  it('has each image in all targets of both environments, with their moving tags', () => {
    const { from, to, images } = resolveDiffRequest(['@staging', 'prod'], config)
    expect({ from, to }).toEqual({ from: 'staging', to: 'prod' })
    expect(images).toMatchObject([
      {
        image: 'api',
        from: [{ repository: { path: 'staging/api' }, currentTags: ['current'], channels: ['next'] }],
        to: [
          { repository: { registry: 'eu.example' }, currentTags: ['latest'] },
          { repository: { registry: 'us.example' } },
        ],
      },
      { image: 'web', from: [{ repository: { path: 'staging/frontend/web' } }] },
    ])
    expect(resolveDiffRequest(['prod', 'staging', 'api'], config).images).toMatchObject([{ image: 'api' }])
  })

  it.each([[[]], [['prod']], [['prod', '@prod']], [['staging', 'pord']], [['staging', 'prod', 'api:1']]])(
    'is refused for %j',
    (args) => {
      expect(outcomeOf(() => resolveDiffRequest(args, config))).toBe('usage')
    },
  )
})
