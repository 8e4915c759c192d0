import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { gateRefusals } from '../../src/plan/gates/gate-errors.ts'
import type { RunOutcome } from '../../src/plan/outcome.ts'
import { nothingTransferred } from '../../src/plan/outcome.ts'
import type { Plan } from '../../src/plan/plan.ts'
import {
  formatDotenvReport,
  formatGithubAnnotation,
  formatGithubOutput,
  runSummary,
  runVariables,
} from '../../src/render/ci.ts'
import { gateResult } from '../support/gates/gate-results.ts'

const root = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('api'), size: 1 }
const plan: Plan = {
  schema: 'dray.plan/1',
  operation: 'promote',
  createdAt: '2026-01-02T03:04:05.000Z',
  tool: '0',
  policy: '',
  placements: [
    {
      id: 'a',
      image: 'api:1.4.2',
      from: {
        environment: 'staging',
        repository: { registry: 'r.example', path: 'staging/api' },
        tag: '1.4.2',
      },
      to: { environment: 'prod', repository: { registry: 'r.example', path: 'prod/api' } },
      root,
      tags: [{ tag: '1.4.2', before: null, change: 'create' }],
      evidence: { found: 0, missing: 0 },
      size: 1,
    },
  ],
  steps: [],
  refusals: [{ image: 'web:1', error: { code: 'refused', message: 'no <b>|`bold`|\n::error::x' } }],
}
const outcome: RunOutcome = {
  placements: [
    {
      placement: 'a',
      status: 'promoted',
      tags: [],
      transferred: nothingTransferred,
      evidenceCopied: 0,
      errors: [],
    },
  ],
  refusals: plan.refusals,
  transferred: nothingTransferred,
}
const variables = runVariables(plan, 'sha256:plan', outcome)

describe('a CI report', () => {
  it('has the outputs for the next steps', () => {
    expect(formatGithubOutput(variables)).toBe(`digest=${root.digest}\nchanged=true\nplan=sha256:plan\n`)
    expect(formatDotenvReport(variables)).toBe(
      `DRAY_DIGEST=${root.digest}\nDRAY_CHANGED=true\nDRAY_PLAN=sha256:plan\n`,
    )
  })

  it('shows a refusal by gates in the table of gates only', () => {
    const gates = [gateResult({ result: 'fail', effect: 'refused', reason: 'no signature' })]
    const placements = plan.placements.map((placement) => ({ ...placement, gates }))
    const refusals = gateRefusals({ image: 'api:1.4.2', root }, gates).map((error) => ({
      image: 'api:1.4.2',
      placement: 'a',
      error,
    }))
    const summary = runSummary({ ...plan, placements, refusals: [...plan.refusals, ...refusals] }, undefined)
    expect(summary.match(/no signature/g)).toHaveLength(1)
    expect(summary).toContain('- web:1: ')
  })

  it('shows which tags a conflict left, and why', () => {
    const conflict: RunOutcome = {
      ...outcome,
      placements: [
        {
          placement: 'a',
          status: 'conflict',
          tags: [
            {
              tag: '1.4.2',
              before: digestOf('b'),
              after: digestOf('b'),
              changed: false,
              wanted: root.digest,
            },
          ],
          transferred: nothingTransferred,
          evidenceCopied: 0,
          errors: [{ code: 'conflict', message: '1.4.2 was changed', why: 'Run r1 moved it.' }],
        },
      ],
    }
    const summary = runSummary({ ...plan, refusals: [] }, conflict)
    expect(summary).toContain('| 1.4.2 (not moved) |')
    expect(summary).toContain('- api:1.4.2: 1.4.2 was changed: Run r1 moved it.\n')
  })

  it('shows each image of a plan as planned, refused or up to date', () => {
    const [api] = plan.placements
    if (api === undefined) throw new Error('the plan has an image')
    const tagged = { id: 's', placement: 'a', after: [], expect: [] }
    const { repository } = api.to
    const step = { ...tagged, kind: 'tag', repository, tag: '1.4.2', target: root, from: repository } as const
    const refusals = [{ image: 'api:1.4.2', error: { code: 'refused', message: 'no' } }] as const
    const resultOf = (more: object): string => runSummary({ ...plan, refusals: [], ...more }, undefined)
    expect(resultOf({ steps: [step] })).toContain(' | planned |')
    expect(resultOf({ refusals })).toContain(' | 1.4.2 (not moved) | sha256:')
    expect(resultOf({ refusals })).toContain(' | refused |')
    expect(resultOf({})).toContain(' | up to date |')
  })

  it('reports no change for a plan that was only shown', () => {
    expect(runVariables(plan, 'sha256:plan', undefined)).toMatchObject({ changed: 'false' })
  })

  it('escapes Markdown and HTML in its summary', () => {
    const summary = runSummary(plan, outcome)
    expect(summary).toContain('| api:1.4.2 | staging -> prod | 1.4.2 (new) |')
    expect(summary).toContain('- web:1: no &lt;b>\\|\\`bold\\`\\|\\\\n::error::x\n')
  })

  it('has an error as an annotation on one line', () => {
    const text = formatGithubAnnotation({ code: 'io', message: '100% full', why: 'a\nb', hint: 'make room' })
    expect(text).toBe('::error title=dray::100%25 full — a\\nb — make room')
  })
})
