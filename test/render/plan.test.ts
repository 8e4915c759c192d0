import { describe, expect, it } from 'vitest'
import { type Digest, parseDigest } from '../../src/oci/digest.ts'
import { nothingTransferred, type PlacementOutcome, type RunOutcome } from '../../src/plan/outcome.ts'
import type { Placement, Plan } from '../../src/plan/plan.ts'
import type { GateResult } from '../../src/plan/gates/gate-result.ts'
import { renderOutcome } from '../../src/render/outcome.ts'
import { renderPlan } from '../../src/render/plan.ts'
import { plainStyle } from '../../src/render/text/style.ts'
import { displayWidth } from '../../src/render/text/width.ts'
import { gateResult } from '../support/gates/gate-results.ts'

const page = { style: plainStyle, width: 80 }
const digestOf = (letter: string): Digest => parseDigest(`sha256:${letter.repeat(64)}`)
const root = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: digestOf('a'), size: 500 }
const from = { registry: 'r.example.com', path: 'staging/api' }
const to = { registry: 'eu.example.com', path: 'prod/api' }

const placement: Placement = {
  id: 'p1',
  image: 'api:1.4.2',
  from: { environment: 'staging', repository: from, tag: '1.4.2' },
  to: { environment: 'prod', repository: to },
  root,
  tags: [
    { tag: '1.4.2', before: null, change: 'create' },
    { tag: 'latest', before: digestOf('b'), change: 'move' },
    { tag: '1', before: digestOf('a'), change: 'unchanged' },
  ],
  evidence: { found: 3, missing: 2 },
  size: 34.1 * 1024 ** 2,
}
const base = { placement: 'p1', after: [], expect: [] }
const attest = { ...base, id: 'a', kind: 'attest', subject: root, repository: to } as const
const refusal = {
  image: 'web:2',
  error: { code: 'refused' as const, message: 'prod does not take it', why: 'no gate', hint: 'Ask.' },
}
const plan: Plan = {
  schema: 'dray.plan/1',
  operation: 'promote',
  createdAt: '2026-11-23T00:00:00Z',
  tool: '0.1.0',
  policy: 'sha256:0',
  placements: [placement],
  steps: [
    { ...base, id: '1', kind: 'copy', root, from, to, rootBy: 'digest' },
    { ...base, id: '2', kind: 'tag', repository: to, tag: '1.4.2', target: root, from },
    { ...base, id: '3', kind: 'tag', repository: to, tag: 'latest', target: root, from },
  ],
  refusals: [refusal],
}

function outcomeOf(over: Partial<PlacementOutcome>): RunOutcome {
  const transferred = { mounted: 1, uploaded: 2, present: 3, bytes: 2048 }
  const tags = [
    { tag: '1.4.2', before: null, after: root.digest, changed: true },
    { tag: 'latest', before: digestOf('b'), after: root.digest, changed: true },
    { tag: '1', before: root.digest, after: root.digest, changed: false },
  ]
  const one = {
    placement: 'p1',
    status: 'promoted',
    tags,
    transferred,
    evidenceCopied: 2,
    errors: [],
    ...over,
  } as const
  return { placements: [one], refusals: [refusal], transferred: one.transferred }
}

it('a version tag shows how it is read if that is not obvious', () => {
  const tags = [
    { tag: '1.4.2-alpine', before: null, change: 'create', readAs: 'version 1.4.2 of the variant alpine' },
  ] as const
  expect(renderPlan({ ...plan, placements: [{ ...placement, tags }], refusals: [] }, page)).toContain(
    'tag       1.4.2-alpine  new  version 1.4.2 of the variant alpine\n',
  )
})

describe('a tag whose former image the registry deletes', () => {
  const tags = [{ tag: 'latest', before: digestOf('b'), change: 'move', deletesBefore: true }] as const

  it('shows that below the tag', () => {
    const text = renderPlan({ ...plan, placements: [{ ...placement, tags }], refusals: [] }, page)
    expect(text).toContain(`
  tag       latest  sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa
              the registry deletes sha256:bbbbbbbbbbbb, which has no other tag
              a rollback to it is then impossible
`)
  })

  it('shows that in the outcome', () => {
    const done = { tag: 'latest', before: digestOf('b'), after: root.digest, changed: true }
    const outcome = outcomeOf({ tags: [{ ...done, deletesBefore: true }] })
    expect(renderOutcome(plan, outcome, page)).toContain(
      'latest: sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa, and the registry deletes the previous image\n',
    )
  })
})

describe('renderPlan', () => {
  it('shows the source, targets and tags of each image, and the reasons of refusals', () => {
    expect(renderPlan(plan, page)).toBe(
      `
api:1.4.2  sha256:aaaaaaaaaaaa  34.1 MiB
  from      staging (r.example.com/staging/api:1.4.2)
  to        prod (eu.example.com/prod/api)
  tag       1.4.2   new
  tag       latest  sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa
  tag       1       up to date
  attached  3 found, 2 to copy

refused  web:2
  prod does not take it
    why: no gate
    fix: Ask.

Plan: 1 image to promote, 2 tags to write, 1 image refused.`.trim(),
    )
  })

  it('shows why each version tag moves, is kept or overrides a rule', () => {
    const tags: Placement['tags'] = [
      { tag: '1.4.2', before: digestOf('b'), change: 'move', override: 'moveTag' },
      { tag: '1.4', before: null, change: 'create', reason: 'highest 1.4' },
      {
        tag: '1',
        before: digestOf('b'),
        change: 'move',
        reason: '1.5.0 is higher',
        override: 'allowBackward',
      },
    ]
    const keptTags = [
      { tag: 'latest', at: digestOf('b'), reason: '2.0.0 is higher' },
      { tag: 'v\u001b[2J', at: null, reason: 'it\u001b[2J was never set here' },
    ]
    const text = renderPlan(
      { ...plan, operation: 'tag', placements: [{ ...placement, tags, keptTags }] },
      page,
    )
    expect(text).toContain(
      `
  in        prod (eu.example.com/prod/api)
  tag       1.4.2     sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa
                      (by --move-tag)
  tag       1.4       new  highest 1.4
  tag       1         sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa
                      1.5.0 is higher (by --allow-backward)
  tag       latest    stays on sha256:bbbbbbbbbbbb  2.0.0 is higher
  tag       v\\x1b[2J  not set  it\\x1b[2J was never set here
`.trim(),
    )
    expect(text).not.toContain('from      ')
  })

  it('shows where an attestation is written', () => {
    const text = renderPlan({ ...plan, steps: [...plan.steps, attest] }, page)
    expect(text).toContain('\n  attest    attach an attestation before the tags move\n')
    expect(renderPlan(plan, page)).not.toContain('attest')
  })

  it('has a message if nothing changes', () => {
    const text = renderPlan({ ...plan, steps: [], refusals: [] }, page)
    expect(text).toMatch(/^api:1\.4\.2 .*up to date$/m)
    expect(text).toMatch(/\nPlan: 1 image up to date\.$/)
  })

  it('shows a refused image only as refused, and its other targets as not attempted', () => {
    const other = { registry: 'us.example.com', path: 'prod/api' }
    const second = { ...placement, id: 'p2', to: { environment: 'prod', repository: other } }
    const upToDate = {
      ...second,
      id: 'p3',
      tags: [{ tag: '1', before: digestOf('a'), change: 'unchanged' } as const],
      evidence: { found: 0, missing: 0 },
    }
    const refused = (more: object) => [{ image: 'api:1.4.2', ...more, error: refusal.error }]
    const targets = { ...plan, steps: [], placements: [placement, second, upToDate] }
    const whole = renderPlan({ ...targets, refusals: refused({}) }, page)
    expect(whole).toMatch(/^refused {2}api:1\.4\.2\n/)
    expect(whole).toMatch(/\nPlan: 1 image refused\.$/)
    const atOne = renderPlan({ ...targets, refusals: refused({ placement: 'p1' }) }, page)
    expect(atOne.match(/^(api:1\.4\.2|refused) .*$/gm)).toEqual([
      'api:1.4.2  sha256:aaaaaaaaaaaa  34.1 MiB  not attempted: the image is refused at another target',
      'api:1.4.2  sha256:aaaaaaaaaaaa  34.1 MiB  up to date',
      'refused  api:1.4.2  to prod (eu.example.com/prod/api)',
    ])
    expect(atOne).toMatch(/\nPlan: 1 image refused\.$/)
  })

  it('shows all refusals of an image below its name once', () => {
    const twice = [
      refusal,
      { ...refusal, error: { code: 'refused' as const, message: 'the digest differs' } },
    ]
    const text = renderPlan({ ...plan, placements: [], steps: [], refusals: twice }, page)
    expect(text).toBe(
      `
refused  web:2
  prod does not take it
    why: no gate
    fix: Ask.
  the digest differs

Plan: 1 image refused.`.trim(),
    )
  })

  it('fits 80 columns with any names', () => {
    const long = { ...to, path: `prod/${'very-'.repeat(30)}long` }
    const text = renderPlan({ ...plan, placements: [{ ...placement, to: { repository: long } }] }, page)
    for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80)
  })

  it('shows long reasons and overrides of a tag below its line without cutting them', () => {
    const tag = { tag: 'latest', before: digestOf('b'), change: 'move' } as const
    const tags = [{ ...tag, reason: '2.0.0 is higher', override: 'allowBackward' }] as const
    const keptTags = [{ tag: '1', at: digestOf('b'), reason: `1.0.0-${'rc'.repeat(15)} is a pre-release` }]
    const text = renderPlan({ ...plan, placements: [{ ...placement, tags, keptTags }], refusals: [] }, page)
    expect(text).toContain('  2.0.0 is higher (by --allow-backward)\n')
    expect(text).toContain('is a pre-release\n')
    for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80)
  })

  it('escapes line feeds in names', () => {
    const evil = { ...placement, image: 'a\n::error::\u001b[2J' }
    const text = renderPlan({ ...plan, placements: [evil], refusals: [{ ...refusal, image: '::x' }] }, page)
    expect(text).not.toContain('\u001b')
    expect(text).not.toMatch(/^\s*::/m)
  })
})

describe('renderOutcome', () => {
  it('shows the status of each image, the transferred content and the totals', () => {
    expect(renderOutcome(plan, outcomeOf({}), page)).toBe(
      `
promoted  api:1.4.2  staging -> prod  sha256:aaaaaaaaaaaa
  1.4.2: new
  latest: sha256:bbbbbbbbbbbb -> sha256:aaaaaaaaaaaa
  1 blob mounted, 2 uploaded (2.0 KiB), 3 already present, 2 attached artifacts copied
refused  web:2
  prod does not take it
    why: no gate
    fix: Ask.
1 promoted, 1 refused, 2.0 KiB transferred.`.trim(),
    )
  })

  it.each([
    ['unchanged', 'up to date'],
    ['conflict', 'conflict'],
    ['failed', 'failed'],
    ['refused', 'refused'],
    ['notAttempted', 'not attempted'],
  ] as const)('shows the status %s with its reason', (status, word) => {
    const error = { code: 'conflict' as const, message: 'the tag moved', hint: 'Plan again.' }
    const outcome = outcomeOf({
      status,
      tags: [],
      transferred: nothingTransferred,
      evidenceCopied: 0,
      errors: [error],
    })
    expect(renderOutcome(plan, { ...outcome, refusals: [] }, page)).toBe(
      `
${word}  api:1.4.2  staging -> prod  sha256:aaaaaaaaaaaa
  the tag moved
    fix: Plan again.
1 ${word}.`.trim(),
    )
  })

  it('uses the verb copy for a copy', () => {
    expect(renderOutcome({ ...plan, operation: 'copy' }, outcomeOf({}), page)).toMatch(
      /^copied {2}[^]*\n1 copied,/,
    )
  })

  it('shows when the first of several passes of gates ends', () => {
    const gatesUntil = (...ends: readonly string[]) =>
      ends.map((end) => gateResult({ name: `until ${end}`, validUntil: `2026-11-${end}T10:00:00.000Z` }))
    const shown = (gates: readonly GateResult[], steps = plan.steps) =>
      renderPlan({ ...plan, placements: [{ ...placement, gates }], steps }, page)
    expect(shown(gatesUntil('27', '25', '26'))).toContain(
      '\nThe results of gates are valid until 2026-11-25 10:00 UTC.',
    )
    expect(shown(gatesUntil('25'))).not.toContain('The results of gates')
    expect(shown(gatesUntil('25', '26'), [])).not.toContain('The results of gates')
  })

  it('names the environment of the failed gates in an outcome, also if those of another one passed', () => {
    const gates = [gateResult(), gateResult({ environment: 'dr', result: 'fail', effect: 'refused' })]
    expect(renderOutcome(plan, outcomeOf({ gates, status: 'refused' }), page)).toContain('signed of dr  FAIL')
  })
})
