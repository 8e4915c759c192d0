import { describe, expect, it } from 'vitest'
import { anomalyRules } from '../../../src/audit/anomalies/finding.ts'
import type { Actor, AuditRecord } from '../../../src/audit/log/record.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { TagStep } from '../../../src/plan/plan.ts'
import {
  baseline,
  dailyRuns,
  detect,
  entry,
  findingsOf,
  since,
  stateOf,
} from '../../support/anomalies/entries.ts'
import { untagStep } from '../../support/delete-steps.ts'
import { recordOf, refusedRecord } from '../../support/log-lines.ts'
import { gateResult } from '../../support/gates/gate-results.ts'

const hour = 3_600_000
const stranger: Actor = { user: 'mallory', host: 'kali' }
const step = recordOf().step as TagStep

describe('a new name', () => {
  it('is an actor, a host or an actor of an environment without records in the baseline', () => {
    const known = { user: 'bob', host: 'builder-1' }
    const found = detect([
      ...dailyRuns(),
      ...dailyRuns({ actor: known, environment: { from: 'dev', to: 'staging' } }),
      entry(since + 10 * hour, { actor: stranger }),
      entry(since + 11 * hour, { actor: known }),
    ])
    expect(findingsOf(found, 'newActor').map(({ name }) => name)).toEqual(['mallory'])
    expect(findingsOf(found, 'newHost').map(({ name }) => name)).toEqual(['kali'])
    expect(findingsOf(found, 'newActorInEnvironment')).toMatchObject([{ name: 'bob', environment: 'prod' }])
  })

  it('is a CI job that never ran before, and not its machine, which is new each time', () => {
    const job = (name: string, host: string): Actor => ({
      user: 'runner',
      host,
      ci: { service: 'github', user: 'octocat', repository: 'acme/shop', job: name },
    })
    const found = detect([
      ...dailyRuns({ actor: job('deploy', 'fv-az1') }),
      entry(since, { actor: job('deploy', 'fv-az2') }),
      entry(since, { actor: job('deploy-copy', 'fv-az3') }),
    ])
    expect(findingsOf(found, 'newWorkflow').map(({ name }) => name)).toEqual(['github acme/shop deploy-copy'])
    expect(findingsOf(found, 'newHost')).toEqual([])
    expect(findingsOf(found, 'newActor')).toEqual([])
  })

  it.each(['dray-sync-29384712-x7kqz', 'dray-sync-29384713-bwm2d'])(
    'is not the pod %s of a CronJob that ran before',
    (host) => {
      const found = detect([
        ...dailyRuns({ actor: { user: 'dray', host: 'dray-sync-29384000-zzzzz' } }),
        entry(since, { actor: { user: 'dray', host } }),
      ])
      expect(findingsOf(found, 'newHost')).toEqual([])
    },
  )

  it('of an environment without records in the baseline is a reason, and not a finding for each actor', () => {
    const found = detect([...dailyRuns(), entry(since, { environment: { to: 'edge' } })])
    expect(findingsOf(found, 'newActorInEnvironment')).toEqual([])
    expect(found.rules.find(({ rule }) => rule === 'newActorInEnvironment')).toMatchObject({
      state: 'partly',
      reasons: ['the environment edge has no records in the baseline'],
    })
  })
})

describe('an unusual hour', () => {
  it('is more than an hour away from nearly all runs of the actor', () => {
    const found = detect([...dailyRuns(), entry(since + 2 * hour), entry(since + 11.9 * hour)])
    expect(findingsOf(found, 'unusualHour')).toMatchObject([
      { actor: 'ann', date: '2026-11-16', hour: 2, runs: 1, baselineRuns: 91, nearby: 0 },
    ])
  })

  it('counts the hours around midnight together', () => {
    const late = Array.from({ length: 30 }, (_, i) => entry(baseline + (i * 24 + 23.5) * hour))
    const found = detect([...late, entry(since + 0.5 * hour)])
    expect(findingsOf(found, 'unusualHour')).toEqual([])
  })

  it('is by the clock on the wall: daylight saving time moves nothing', () => {
    // Berlin: 10:00 is 08:00 UTC in summer, and 09:00 UTC in winter.
    const summer = Array.from({ length: 40 }, (_, i) =>
      entry(Date.parse('2026-08-20T08:10:00Z') + i * 24 * hour),
    )
    const winter = [
      entry('2026-11-17T09:10:00Z'),
      entry('2026-11-18T10:50:00Z'),
      entry('2026-11-19T12:10:00Z'),
    ]
    const options = { timezone: 'Europe/Berlin' }
    const found = findingsOf(detect([...summer, ...winter], options), 'unusualHour')
    expect(found.map(({ date, hour: local }) => [date, local])).toEqual([['2026-11-19', 13]])
  })

  it('is not known for an actor with fewer than 20 runs', () => {
    const rare = { user: 'carl', host: 'builder-1' }
    const few = Array.from({ length: 19 }, (_, i) => entry(baseline + i * 24 * hour, { actor: rare }))
    const found = detect([...dailyRuns(), ...few, entry(since + 12 * hour, { actor: rare })])
    expect(findingsOf(found, 'unusualHour')).toEqual([])
    expect(found.rules.find(({ rule }) => rule === 'unusualHour')).toMatchObject({
      state: 'partly',
      reasons: ['fewer than 20 runs in the baseline: carl (19)'],
    })
  })

  it('counts a run once, however many records it has', () => {
    const record = entry(since - 30 * hour, { run: 'large' })
    const large = Array.from({ length: 4100 }, () => record)
    const found = detect([...dailyRuns({}, 20), ...large, entry(since + 10 * hour)])
    expect(stateOf(found, 'unusualHour')).toBe('checked')
    expect(findingsOf(found, 'unusualHour')).toEqual([])
  })
})

describe('an unusual volume', () => {
  const many = (count: number): ReturnType<typeof entry>[] =>
    Array.from({ length: count }, () => entry(since + 10 * hour))

  it('is more than the median of such days and five deviations', () => {
    expect(findingsOf(detect([...dailyRuns(), ...many(6)]), 'volume')).toEqual([])
    const [ofEnvironment, ofActor] = findingsOf(detect([...dailyRuns(), ...many(7)]), 'volume').toSorted(
      (a) => (a.environment === undefined ? 1 : -1),
    )
    expect(ofActor).toMatchObject({
      actor: 'ann',
      observed: 7,
      median: 1,
      limit: 6,
      days: 65,
      kindOfDay: 'weekday',
    })
    expect(ofEnvironment).toMatchObject({ operation: 'promote', environment: 'prod', observed: 7 })
  })

  it('counts the images of a run, and an image once', () => {
    const oneRun = (images: number): ReturnType<typeof entry>[] =>
      Array.from({ length: images * 3 }, (_, i) =>
        entry(since + 10 * hour, { run: 'bulk', image: `app${i % images}:1.0.0` }),
      )
    expect(findingsOf(detect([...dailyRuns(), ...oneRun(6)]), 'volume')).toEqual([])
    expect(findingsOf(detect([...dailyRuns(), ...oneRun(7)]), 'volume')[0]?.observed).toBe(7)
  })

  it('compares weekends with weekends only', () => {
    const saturday = Date.parse('2026-11-21T10:00:00Z')
    const busyWeek = dailyRuns().flatMap((one) =>
      [0, 6].includes(new Date(one.time).getUTCDay())
        ? [one]
        : Array.from({ length: 9 }, () => entry(one.time)),
    )
    const found = detect([...busyWeek, ...Array.from({ length: 9 }, () => entry(saturday))])
    expect(findingsOf(found, 'volume')[0]).toMatchObject({ kindOfDay: 'weekend', median: 1, observed: 9 })
  })
})

describe('a change that is always listed', () => {
  const listed = (over: Partial<AuditRecord>): ReturnType<typeof detect> => detect([entry(since, over)])

  it.each([
    ['allowBackward', { step: { ...step, override: 'allowBackward' as const } }],
    ['moveTag', { step: { ...step, override: 'moveTag' as const } }],
    ['rollback', { operation: 'rollback' as const }],
    ['overriddenGate', { gates: [gateResult({ name: 'scan', effect: 'overridden' })] }],
  ] as const)('is %s, also without a baseline', (rule, over) => {
    expect(findingsOf(listed(over), rule)).toMatchObject([
      { rule, actor: 'ann', image: 'api:1.4.2', result: 'done' },
    ])
  })

  it('is one finding for all records of an image', () => {
    const over = { run: 'one', step: { ...step, override: 'moveTag' as const } }
    const found = detect([
      entry(since, { ...over, phase: 'intent' }),
      entry(since, over),
      entry(since, { ...over, step: { ...over.step, tag: '1.4' } }),
    ])
    const [finding, ...others] = findingsOf(found, 'moveTag')
    expect(others).toEqual([])
    expect(finding?.tags).toEqual([
      'registry.example.com/prod/api:1.4.2',
      'registry.example.com/prod/api:1.4',
    ])
    expect(finding?.records.count).toBe(3)
  })

  const moved = (image: string, before: string | null, time: number): ReturnType<typeof entry> =>
    entry(time, {
      image,
      before: before === null ? null : digestOf(before),
      step: { ...step, tag: 'live', target: { ...step.target, digest: digestOf(image) } },
    })

  it('is a downgrade: a tag moves from a higher to a lower version', () => {
    const found = detect([
      moved('api:1.10.0', null, since - hour),
      moved('api:1.9.3', 'api:1.10.0', since + hour),
      moved('api:1.10.1', 'api:1.9.3', since + 2 * hour),
    ])
    expect(findingsOf(found, 'downgrade')).toMatchObject([
      { image: 'api:1.9.3', versions: { from: '1.10.0', to: '1.9.3' } },
    ])
  })

  it('is no downgrade if another client moved the tag in between', () => {
    const found = detect([
      moved('api:1.10.0', null, since - hour),
      moved('api:1.9.3', 'api:1.9.2', since + hour),
    ])
    expect(findingsOf(found, 'downgrade')).toEqual([])
  })

  it('is a row of three refused runs of one actor, in the order of time', () => {
    const refused = (time: number, actor: Actor): ReturnType<typeof entry> => ({
      ...refusedRecord('a gate failed'),
      seq: 1,
      prev: null,
      run: `r${time}`,
      time: new Date(time).toISOString(),
      actor,
    })
    const found = detect([
      refused(since + 3 * hour, stranger),
      refused(since + hour, stranger),
      entry(since + 2 * hour),
      refused(since + 2 * hour, stranger),
      refused(since + hour, { user: 'bob', host: 'h' }),
    ])
    expect(findingsOf(found, 'refusals')).toMatchObject([
      { actor: 'mallory', runs: 3, error: { message: 'a gate failed' }, from: '2026-11-16T01:00:00.000Z' },
    ])
    const broken = [entry(since + 2.5 * hour, { actor: stranger })]
    const rows = detect([...broken, ...[1, 2, 3].map((h) => refused(since + h * hour, stranger))])
    expect(findingsOf(rows, 'refusals')).toEqual([])
  })
})

describe('a large prune', () => {
  const prune = (time: number, deletes: number): readonly ReturnType<typeof entry>[] =>
    Array.from({ length: deletes }, (_, i) =>
      entry(time + i, {
        operation: 'prune',
        run: `p${time}`,
        image: '@dev/api',
        step: untagStep({ tag: `t${i}` }),
      }),
    )

  it('deletes far more from a repository than earlier ones', () => {
    const usual = [1, 2, 3, 4, 5].flatMap((day) => prune(since - day * 24 * hour, 4))
    expect(findingsOf(detect([...usual, ...prune(since, 14)]), 'prune')).toEqual([])
    expect(findingsOf(detect([...usual, ...prune(since, 15)]), 'prune')).toMatchObject([
      { observed: 15, median: 4, limit: 14, runs: 5 },
    ])
  })

  it('is not known before five prunes', () => {
    const found = detect([...prune(since - hour, 4), ...prune(since, 400)])
    expect(stateOf(found, 'prune')).toBe('notEnoughData')
  })
})

describe('not enough data', () => {
  const compared = [
    'newActor',
    'newActorInEnvironment',
    'newHost',
    'newWorkflow',
    'unusualHour',
    'volume',
  ] as const

  it.each([
    ['an empty log', [], 'the baseline has no records'],
    ['an empty baseline', [entry(since)], 'the baseline has no records'],
    [
      'a baseline of two days',
      [...dailyRuns({}, 2), entry(since)],
      'the baseline has records of 1 day, and 14 days are needed',
    ],
    [
      'a baseline of one run',
      [entry(since - 500 * hour), entry(since)],
      'the baseline has 1 run, and 20 are needed',
    ],
  ])('is the result of every comparison for %s, with the reason', (_, entries, reason) => {
    const { rules } = detect(entries)
    for (const rule of compared)
      expect(rules.find((one) => one.rule === rule)).toMatchObject({
        state: 'notEnoughData',
        reasons: [reason],
      })
  })

  it('is no state of rules without a baseline', () => {
    const states = anomalyRules.filter((rule) => stateOf(detect([]), rule) === 'notEnoughData')
    expect(states).toEqual(compared)
  })
})
