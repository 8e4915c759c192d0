import type { Actor, AuditRecord, LogEntry } from '../../../src/audit/log/record.ts'
import { parseRepository } from '../../../src/oci/reference.ts'
import { recordOf } from '../log-lines.ts'
import { randomFrom } from '../random.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs
/** The zone of the simulated people. Its daylight saving time begins in the scored days. */
export const zone = 'Europe/Berlin'
/** A Monday. */
export const firstDay = Date.parse('2025-12-01T00:00:00Z')
export const baselineDays = 91
export const scoredDays = 91

/** A change that is not a part of daily work, and the rule that must find it. */
export interface Incident {
  readonly name: string
  readonly rule: string
  readonly actor: string
  /** from `firstDay` */
  readonly day: number
}

interface Run {
  readonly time: number
  readonly actor: Actor
  readonly operation: AuditRecord['operation']
  readonly environment: NonNullable<AuditRecord['environment']>
  readonly image: string
  readonly deletes?: number
}

const images = ['api', 'web', 'worker', 'auth', 'billing', 'search', 'mail', 'cron'] as const
const deployBot: Actor = {
  user: 'runner',
  host: 'runner-1',
  ci: { service: 'github', user: 'deploy-bot', repository: 'acme/shop', job: 'deploy' },
}
const cleanupBot: Actor = {
  user: 'runner',
  host: 'runner-2',
  ci: { service: 'github', user: 'cleanup-bot', repository: 'acme/infra', job: 'cleanup' },
}

/**
 * A log of 8 people and 2 bots over half a year. People promote on working days around hours of
 * their own, now and then in the evening, and rarely at weekends. One bot promotes after them, the
 * other one prunes every night. The same seed gives the same log.
 */
export function simulateLog(
  seed: number,
  hasIncidents: boolean,
): {
  readonly entries: readonly LogEntry[]
  readonly incidents: readonly Incident[]
} {
  const random = randomFrom(seed)
  const runs: Run[] = []
  const people = Array.from({ length: 8 }, (_, i) => ({
    actor: { user: `person${i}`, host: `laptop-${i}` },
    rate: 0.8 + 2.4 * random(),
    centre: 10 + 5 * random(),
    spread: 1.2 + random(),
  }))
  for (let day = 0; day < baselineDays + scoredDays; day++) {
    const weekday = (day % 7) + 1
    const isWeekend = weekday > 5
    // Teams release more on some days than on others.
    const mood = 0.6 + 0.8 * random()
    for (const person of people) {
      if (!isWeekend && random() < 0.1) continue
      const rate = isWeekend ? 0.04 : person.rate * mood
      for (let i = poisson(random, rate); i > 0; i--) {
        const isLate = random() < 0.01
        const hour = isLate ? 18 + 4 * random() : normal(random, person.centre, person.spread)
        runs.push(promotion(random, person.actor, day, hour, random() < 0.3 ? 'prod' : 'staging'))
      }
    }
    for (let i = poisson(random, isWeekend ? 0.3 : 12 * mood); i > 0; i--)
      runs.push(promotion(random, deployBot, day, normal(random, 13, 2.2), 'staging'))
    runs.push(cleanup(random, day, 3 + 0.3 * random()))
  }
  const incidents = hasIncidents ? addIncidents(random, runs) : []
  return { entries: toEntries(runs), incidents }
}

function addIncidents(random: () => number, runs: Run[]): readonly Incident[] {
  const weekday = (week: number): number => baselineDays + week * 7 + Math.floor(random() * 5)
  const [atNight, many, strange, shifted, large] = [2, 4, 6, 8, 10].map(weekday) as [
    number,
    number,
    number,
    number,
    number,
  ]
  runs.push(promotion(random, deployBot, atNight, 2 + 0.5 * random(), 'prod'))
  const person: Actor = { user: 'person3', host: 'laptop-3' }
  for (let i = 0; i < 20; i++) runs.push(promotion(random, person, many, 11 + 2 * random(), 'prod'))
  const stranger: Actor = { user: 'stranger', host: 'kali' }
  runs.push(promotion(random, stranger, strange, 12, 'prod'))
  runs.push(cleanup(random, shifted, 11 + random()))
  runs.push(cleanup(random, large, 3.2, 400))
  return [
    { name: 'a bot at 02:00', rule: 'unusualHour', actor: 'deploy-bot (github)', day: atNight },
    { name: '20 more promotions', rule: 'volume', actor: 'person3', day: many },
    { name: 'a stranger', rule: 'newActor', actor: 'stranger', day: strange },
    { name: 'the machine of the stranger', rule: 'newHost', actor: 'stranger', day: strange },
    { name: 'a shifted clean-up', rule: 'unusualHour', actor: 'cleanup-bot (github)', day: shifted },
    { name: 'a large clean-up', rule: 'prune', actor: 'cleanup-bot (github)', day: large },
  ]
}

function promotion(
  random: () => number,
  actor: Actor,
  day: number,
  hour: number,
  to: 'staging' | 'prod',
): Run {
  const image = `${images[Math.floor(random() * images.length)]}:1.${day}.${Math.floor(random() * 1000)}`
  const environment = { from: to === 'prod' ? 'staging' : 'dev', to }
  return { time: timeAt(day, hour), actor, operation: 'promote', environment, image }
}

function cleanup(random: () => number, day: number, hour: number, deletes?: number): Run {
  return {
    time: timeAt(day, hour),
    actor: cleanupBot,
    operation: 'prune',
    environment: { to: 'dev' },
    image: '@dev/api',
    deletes: deletes ?? 3 + poisson(random, 8),
  }
}

/** The people live by the clock on their wall: an hour earlier in UTC in summer. */
function timeAt(day: number, hour: number): number {
  const utc = firstDay + day * dayMs + Math.min(Math.max(hour, 0), 23.9) * hourMs
  const isSummer = utc >= Date.parse('2026-03-29T01:00:00Z')
  return utc - (isSummer ? 2 : 1) * hourMs
}

function toEntries(runs: readonly Run[]): readonly LogEntry[] {
  const records = runs.toSorted((a, b) => a.time - b.time).flatMap(recordsOfRun)
  return records.map((record, i) => ({ ...record, seq: i + 1, prev: null }))
}

function recordsOfRun(run: Run, index: number): readonly AuditRecord[] {
  const common = {
    run: `run-${index}`,
    actor: run.actor,
    operation: run.operation,
    image: run.image,
    environment: run.environment,
  }
  const at = (seconds: number): string => new Date(run.time + seconds * 1000).toISOString()
  if (run.deletes !== undefined)
    return Array.from({ length: run.deletes }, (_, i) =>
      recordOf({
        ...common,
        id: `${index}-${i}`,
        time: at(i / 10),
        step: {
          id: `s${i}`,
          kind: 'deleteTag',
          repository: parseRepository('registry.example.com/dev/api'),
          tag: `pr-${index}-${i}`,
          digest: recordOf().after ?? '',
        } as unknown as NonNullable<AuditRecord['step']>,
        after: null,
      }),
    )
  const { result: _, after: __, ...intent } = recordOf({ ...common, id: `${index}-0`, time: at(0) })
  return [{ ...intent, phase: 'intent' }, recordOf({ ...common, id: `${index}-1`, time: at(2) })]
}

function poisson(random: () => number, mean: number): number {
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = random(); product > limit; product *= random()) count++
  return count
}

/** Box and Muller. */
function normal(random: () => number, mean: number, deviation: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()))
  return mean + deviation * radius * Math.cos(2 * Math.PI * random())
}
