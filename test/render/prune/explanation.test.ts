import { describe, expect, it } from 'vitest'
import type { Explanation } from '../../../src/usecases/prune/policy/explanation.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { renderExplanation } from '../../../src/render/prune/explanation.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { displayWidth } from '../../../src/render/text/width.ts'

const explanation: Explanation = {
  repository: { registry: 'r.example.com', path: 'dev/api' },
  image: '@dev/api',
  tag: 'pr-7-a1',
  digest: digestOf('x'),
  verdict: 'delete',
  why: { kind: 'rule', by: 'pull-requests', text: 'pull-requests: 41d old, older than 14d' },
  time: {
    created: '2026-10-15T05:02:00.000Z',
    age: 41 * 86_400_000,
    text: 'its annotation',
    now: '2026-11-25T05:02:00.000Z',
  },
  protections: [
    { name: 'releases', matches: false, text: 'matches neither this tag nor an image that reaches it' },
  ],
  rules: [
    {
      name: 'pull-requests',
      verdict: 'delete',
      text: '41d old, older than 14d',
      conditions: [{ name: 'olderThan', keeps: false, text: '41d old, older than 14d' }],
    },
    { name: 'nightlies', verdict: 'notSelected', text: 'nightly-* does not select it', conditions: [] },
  ],
  otherTags: [],
  reachedBy: [],
}

describe('an explanation', () => {
  it('shows the verdict, the time with its source, and every protection and rule', () => {
    const text = renderExplanation(explanation, { style: plainStyle, width: undefined })
    expect(text).toContain('The tag pr-7-a1 is deleted')
    for (const part of [
      'its annotation',
      '2026-10-15 05:02:00 UTC',
      'releases',
      'pull-requests',
      'nightlies',
    ])
      expect(text).toContain(part)
  })

  it('shows why dray prune refuses the repository after the verdict', () => {
    const refusal = {
      code: 'refused' as const,
      message: 'the deletes violate a limit',
      why: '2 are too many',
    }
    const text = renderExplanation({ ...explanation, refusal }, { style: plainStyle, width: undefined })
    expect(text.split('\n').slice(3, 6)).toEqual([
      'The tag pr-7-a1 is deleted together with its image: pull-requests: 41d old, older than 14d.',
      'dray prune deletes nothing in this repository, because the deletes violate a limit: 2 are too many.',
      '',
    ])
  })

  it.each([60, 80, 100, 200])('fits %i columns, and breaks no reference that a person copies', (width) => {
    const long = { ...explanation, reachedBy: [`index ${digestOf('y')}, which lists it`] }
    const lines = renderExplanation(long, { style: plainStyle, width }).split('\n')
    const [, reference = '', ...others] = lines
    expect(reference).toMatch(/@sha256:[0-9a-f]{64}$/)
    expect(others.filter((line) => displayWidth(line) > width)).toEqual([])
  })

  it('escapes control characters', () => {
    const text = renderExplanation(
      { ...explanation, time: { ...explanation.time, text: 'evil \u001b[2J' } },
      { style: plainStyle, width: 80 },
    )
    expect(text).not.toContain('\u001b')
  })
})
