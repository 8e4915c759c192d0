import { describe, expect, it } from 'vitest'
import { falsePerWeek, scoreLog } from '../../support/anomalies/score-log.ts'

/** `node scripts/anomaly-figures.ts` prints the figures of more logs. */
const seeds = [1, 2, 3, 4]

describe('anomalies in simulated logs of 8 people and 2 bots over 91 scored days', () => {
  const scores = seeds.map((seed) => scoreLog(seed, true))

  it('include every injected incident', () => {
    expect(scores.map(({ missed }) => missed)).toEqual(seeds.map(() => []))
  })

  it('include at most 0.66 unusual hours in a week without an incident', () => {
    expect(falsePerWeek(scores, 'unusualHour')).toBeLessThanOrEqual(0.66)
    // People sometimes work late: a rule that never fires would find no incident either.
    expect(falsePerWeek(scores, 'unusualHour')).toBeGreaterThan(0)
  })

  it('include at most 0.05 unusual volumes in a week without an incident', () => {
    expect(falsePerWeek(scores, 'volume')).toBeLessThanOrEqual(0.05)
  })

  it.each(['newActor', 'newActorInEnvironment', 'newHost', 'newWorkflow', 'prune', 'downgrade'])(
    'never include a false finding of the rule %s',
    (rule) => {
      expect(falsePerWeek(scores, rule)).toBe(0)
    },
  )
})
