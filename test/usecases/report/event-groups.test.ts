import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { EventGroups } from '../../../src/usecases/report/timeline/event-groups.ts'
import { outcome, record, refusal, tagStep } from '../../support/audit-log.ts'

/** The groups of records in this order, numbered from 1. */
function groupsOf(records: readonly AuditRecord[]): EventGroups {
  const groups = new EventGroups()
  for (const [i, one] of records.entries()) groups.add({ ...one, seq: i + 1, prev: null })
  return groups
}

const toProd = { image: 'api:1.4.2', environment: { from: 'staging', to: 'prod' } } as const

describe('the events of an audit log', () => {
  it('are one for the promotion of an image, with its tags, digest and lines', () => {
    const latest = tagStep('t2', { tag: 'latest' })
    const events = groupsOf([
      record({ ...toProd }),
      record({ ...toProd, step: latest }),
      outcome({ ...toProd, before: null, after: digestOf('target') }),
      outcome({ ...toProd, step: latest, before: digestOf('old'), after: digestOf('target') }),
    ]).events()
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({
      operation: 'promote',
      image: 'api:1.4.2',
      from: 'staging',
      lane: 'prod',
      result: 'done',
      digest: digestOf('target'),
      records: { first: 1, last: 4, count: 4 },
    })
    expect(events[0]?.tags).toEqual([
      {
        repository: 'prod.example/api',
        tag: '1.4.2',
        before: null,
        after: digestOf('target'),
        result: 'done',
      },
      {
        repository: 'prod.example/api',
        tag: 'latest',
        before: digestOf('old'),
        after: digestOf('target'),
        result: 'done',
      },
    ])
  })

  it('are separate for each run, image and environment', () => {
    const events = groupsOf([
      outcome({ ...toProd }),
      outcome({ ...toProd, run: 'run2' }),
      outcome({ ...toProd, image: 'web:1.0.0' }),
      outcome({ ...toProd, environment: { from: 'dev', to: 'staging' } }),
    ]).events()
    expect(events.map(({ lane, image, run }) => `${run} ${image} ${lane}`).toSorted()).toEqual([
      'run1 api:1.4.2 prod',
      'run1 api:1.4.2 staging',
      'run1 web:1.0.0 prod',
      'run2 api:1.4.2 prod',
    ])
  })

  it.each([
    ['failed', [outcome(), outcome({ result: 'failed', step: tagStep('t2') })]],
    ['conflict', [outcome({ result: 'conflict' }), outcome({ step: tagStep('t2') })]],
    ['refused', [refusal({ environment: { to: 'prod' } })]],
    ['open', [record(), outcome({ step: tagStep('t2') })]],
    ['done', [record(), outcome(), outcome({ result: 'unchanged', step: tagStep('t2') })]],
    ['unchanged', [record(), outcome({ result: 'unchanged' })]],
  ] as const)('have the gravest result of their steps: %s', (result, records) => {
    expect(
      groupsOf(records)
        .events()
        .map((one) => one.result),
    ).toEqual([result])
  })

  it('have the repository as their lane if the record has no environment', () => {
    expect(groupsOf([outcome()]).events()[0]?.lane).toBe('prod.example/api')
  })

  it('have the newest first', () => {
    const at = (day: number): string => `2026-11-0${day}T00:00:00.000Z`
    const events = groupsOf([1, 3, 2].map((day) => outcome({ run: `run${day}`, time: at(day) }))).events()
    expect(events.map(({ run }) => run)).toEqual(['run3', 'run2', 'run1'])
  })

  it('do not include deletes, approvals and holds, which are counted', () => {
    const groups = groupsOf([
      record({ operation: 'prune' }),
      outcome({ operation: 'prune' }),
      outcome({ operation: 'prune', run: 'run2' }),
      outcome({ operation: 'hold' }),
    ])
    expect(groups.events()).toEqual([])
    expect(groups.others()).toEqual([
      { operation: 'prune', runs: 2, records: 3 },
      { operation: 'hold', runs: 1, records: 1 },
    ])
  })
})
