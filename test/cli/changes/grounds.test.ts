import { describe, expect, it } from 'vitest'
import { checkGrounds, type Grounds } from '../../../src/cli/changes/grounds.ts'
import type { Config } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { parseRepository } from '../../../src/oci/reference.ts'
import type { PlacementEnd as Place, Plan } from '../../../src/plan/plan.ts'

function configOf(more = ''): Config {
  const content = `version: 1
environments:
  staging: { registry: r.example, path: "staging/{image}" }
  prod: { registry: r.example, path: "prod/{image}", require: [reason, ticket] }
${more}`
  return parseConfig({ file: '/p/dray.yaml', content }, 'dray.yaml').config
}

/** One image that goes there, its tag still to be moved unless `steps` is 0. */
function planTo(to: Place, steps = 1): Plan {
  const root = { mediaType: mediaTypes.manifest, digest: digestOf('x'), size: 1 }
  const from = parseRepository('r.example/staging/api')
  const step = {
    id: 'i1.t1.g1',
    placement: 'i1.t1',
    after: [],
    expect: [],
    kind: 'tag' as const,
    repository: to.repository,
    tag: '1.4.2',
    target: root,
    from,
  }
  return {
    schema: 'dray.plan/1',
    operation: 'promote',
    createdAt: '2026-01-02T03:04:05.000Z',
    tool: '0',
    policy: digestOf('policy'),
    placements: [
      {
        id: 'i1.t1',
        image: 'api:1.4.2',
        from: { repository: from },
        to,
        root,
        tags: [{ tag: '1.4.2', before: null, change: 'create' }],
        evidence: { found: 0, missing: 0 },
        size: 1,
      },
    ],
    steps: [step].slice(0, steps),
    refusals: [],
  }
}

const prod: Place = { environment: 'prod', repository: parseRepository('r.example/prod/api') }
const staging: Place = { environment: 'staging', repository: parseRepository('r.example/staging/api') }
const elsewhere: Place = { repository: parseRepository('other.example/api') }
const all: Grounds = { reason: 'release', ticket: 'OPS-7' }

const check =
  (to: Place, grounds: Grounds, config = configOf()) =>
  (): void =>
    checkGrounds(planTo(to), config, grounds)

describe('the grounds of a change', () => {
  it('that its environment requires are refused where one is missing, by the name of the flag', () => {
    expect(check(prod, all)).not.toThrow()
    expect(check(prod, { ticket: 'OPS-7' })).toThrow(
      expect.objectContaining({
        code: 'refused',
        message: 'prod needs a reason, and none was given',
        hint: expect.stringContaining('--reason'),
      }),
    )
    expect(check(prod, { reason: 'release' })).toThrow(
      expect.objectContaining({ code: 'refused', hint: expect.stringContaining('--ticket') }),
    )
    expect(check(prod, { actor: 'ada' })).toThrow('prod needs a reason')
  })

  it('are not asked for by other environments, and at other places', () => {
    expect(check(staging, {})).not.toThrow()
    expect(check(elsewhere, {})).not.toThrow()
  })

  it('are asked for where the repository is one of the environment, however it was named', () => {
    expect(check({ repository: prod.repository }, {})).toThrow('prod needs a reason')
    expect(check({ repository: prod.repository }, all)).not.toThrow()
  })

  it('that audit.require asks for are asked for everywhere', () => {
    const config = configOf('audit: { require: [ticket] }')
    for (const to of [staging, elsewhere]) {
      expect(check(to, {}, config)).toThrow('every change needs a ticket')
      expect(check(to, { ticket: 'OPS-7' }, config)).not.toThrow()
    }
    expect(check(prod, { ticket: 'OPS-7' }, config)).toThrow('prod needs a reason')
  })

  it('are not asked for where nothing changes', () => {
    const config = configOf('audit: { require: [ticket] }')
    expect(() => checkGrounds(planTo(prod, 0), config, {})).not.toThrow()
  })

  it('are wrong usage where they are too long to be recorded', () => {
    for (const name of ['reason', 'ticket', 'actor'] as const) {
      expect(check(staging, { [name]: 'x'.repeat(2000) })).not.toThrow()
      expect(check(staging, { [name]: 'x'.repeat(2001) })).toThrow(
        expect.objectContaining({ code: 'usage', message: expect.stringContaining(`--${name}`) }),
      )
    }
  })
})
