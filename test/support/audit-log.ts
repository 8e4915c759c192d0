import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { ChainedLog } from '../../src/audit/log/chained-log.ts'
import type { AuditRecord, LogEntry } from '../../src/audit/log/record.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { TagStep } from '../../src/plan/plan.ts'

/**
 * A clock that advances only by sleeping. A short sleep, like the wait for a lock, ends at once. A
 * long one, like a heartbeat or a time limit, ends when its signal is aborted.
 */
export function waitingClock(start = Date.UTC(2026, 10, 23)): Clock & { turn(ms: number): void } {
  let now = start
  return {
    now: () => now,
    turn: (ms) => void (now += ms),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
        const leave = (): void => reject(signal.reason)
        if (signal.aborted) return leave()
        if (ms >= 1_000) return signal.addEventListener('abort', leave, { once: true })
        now += ms
        setImmediate(resolve)
      }),
  }
}

/** Makes the heartbeats of killed runs so old that the next run takes over. */
export function expireRuns(auditFile: string): void {
  const folder = `${auditFile}.runs`
  const past = new Date(Date.now() - 60_000)
  for (const name of existsSync(folder) ? readdirSync(folder) : []) utimesSync(join(folder, name), past, past)
}

let ids = 0

export function openLog(path: string, clock: Clock = waitingClock()): ChainedLog {
  return new ChainedLog(path, { clock, newId: () => `made${ids++}` })
}

export function tagStep(id = 't1', rest: Partial<TagStep> = {}): TagStep {
  const repository = { registry: 'prod.example', path: 'api' }
  const target = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf('target'),
    size: 42,
  }
  const from = { registry: 'staging.example', path: 'api' }
  return {
    id,
    placement: 'p1',
    after: [],
    expect: [],
    kind: 'tag',
    repository,
    tag: '1.4.2',
    target,
    from,
    ...rest,
  }
}

/** A record of the run `run1`; by default the intent of its step `t1`. */
export function record(rest: Partial<AuditRecord> = {}): AuditRecord {
  return {
    schema: 'dray.audit/1',
    id: `r${ids++}`,
    run: 'run1',
    time: '2026-11-23T00:00:00.000Z',
    phase: 'intent',
    operation: 'promote',
    plan: digestOf('plan'),
    policy: digestOf('policy'),
    actor: { user: 'tester', host: 'here' },
    tool: '0',
    step: tagStep(),
    ...rest,
  }
}

export function refusal(rest: Partial<AuditRecord> = {}): AuditRecord {
  const { step: _, ...base } = record({ phase: 'refused', image: 'api:1.4.2' })
  return { ...base, ...rest }
}

export function outcome(rest: Partial<AuditRecord> = {}): AuditRecord {
  return record({ phase: 'outcome', result: 'done', ...rest })
}

/** The lines of a log without line breaks, including an incomplete last line. */
export function linesOf(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

export function entriesOf(path: string): LogEntry[] {
  return linesOf(path).map((line) => JSON.parse(line) as LogEntry)
}

/** The problems of the chain of a log, found without code of `src/`. */
export function chainComplaints(path: string): string[] {
  const complaints: string[] = []
  let prev: string | null = null
  linesOf(path).forEach((line, at) => {
    const place = `{"seq":${at + 1},"prev":${JSON.stringify(prev)},`
    if (!line.startsWith(place)) complaints.push(`line ${at + 1} begins ${line.slice(0, 100)}`)
    try {
      JSON.parse(line)
    } catch {
      complaints.push(`line ${at + 1} is not JSON`)
    }
    prev = digestOf(line)
  })
  return complaints
}
