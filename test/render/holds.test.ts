import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import type { HoldItem, HoldOutcome, HoldPlan } from '../../src/plan/holds/hold-plan.ts'
import { renderHeldImages, renderHoldOutcome, renderHoldPlan } from '../../src/render/holds.ts'
import { plainStyle } from '../../src/render/text/style.ts'

const page = { style: plainStyle, width: undefined }
const digest = digestOf('api')
const short = digest.slice(0, 19)
const repository = { registry: 'registry.example.com', path: 'prod/api' }
const item: HoldItem = {
  image: 'api:1.4.2',
  environment: 'prod',
  repository,
  digest,
  subject: { mediaType: '', digest, size: 1 },
  time: '2026-11-28T10:00:00.000Z',
  statement: 'attach',
  tag: { name: 'hold-0123456789ab', change: 'create' },
}
const plan: HoldPlan = {
  operation: 'hold',
  decision: 'hold',
  createdAt: '2026-11-28T10:00:00.000Z',
  reason: 'incident 77',
  ticket: 'OPS-7',
  expires: '2027-01-31',
  images: [item],
  refusals: [],
}
const outcome: HoldOutcome = {
  image: 'api:1.4.2',
  environment: 'prod',
  repository,
  digest,
  tag: 'hold-0123456789ab',
  status: 'held',
}

describe('the plan of a hold', () => {
  it('shows the image, the statement and the tag', () => {
    expect(renderHoldPlan(plan, page).split('\n')).toEqual([
      `api:1.4.2  ${short}`,
      '  in    prod (registry.example.com/prod/api)',
      '  hold  attach a statement, reason "incident 77", ticket OPS-7, until 2027-01-31',
      '  tag   hold-0123456789ab  new',
      '',
      'Plan: 1 image to hold.',
    ])
  })

  it('says that nothing changes', () => {
    const upToDate: HoldItem = {
      ...item,
      statement: 'unchanged',
      tag: { ...item.tag, change: 'unchanged' },
      before: 'held by ada since 2026-11-27',
    }
    const text = renderHoldPlan({ ...plan, images: [upToDate] }, page)
    expect(text).toContain('  now   held by ada since 2026-11-27\n  hold  up to date\n')
    expect(text).toContain('Plan: 0 images to hold.')
  })
})

it('the outcome of a hold has each image, each refusal, and the sums', () => {
  const refused = {
    ...plan,
    refusals: [{ image: 'web:1', error: { code: 'refused', message: 'no' } as const }],
  }
  expect(
    renderHoldOutcome(refused, [outcome, { ...outcome, status: 'unchanged' }], page).split('\n'),
  ).toEqual([
    `held  api:1.4.2  prod  ${short}  hold-0123456789ab`,
    `up to date  api:1.4.2  prod  ${short}  hold-0123456789ab`,
    'refused  web:1',
    '  no',
    '1 held, 1 up to date.',
  ])
})

it('terminal escapes and commands of CI services in a reason are escaped', () => {
  const reason = '\u001B[31mred\n::set-output name=digest::evil'
  const texts = [
    renderHoldPlan({ ...plan, reason, ticket: '\u001B[0m' }, page),
    renderHoldOutcome({ ...plan, reason }, [outcome], page),
    renderHeldImages(
      [{ image: 'api', repository, digest, tag: outcome.tag, reason, by: '\u001B[5m', text: reason }],
      page,
    ),
  ]
  for (const text of texts) {
    expect(text).not.toContain('\u001B')
    expect(text).not.toMatch(/^::/m)
  }
})

it('a list without held images says so', () => {
  expect(renderHeldImages([], page)).toBe('No image is held by a tag.')
})
