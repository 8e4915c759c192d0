import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { queueLimits } from '../../../src/usecases/watch/queue/event-queue.ts'
import type { WatchRun } from '../../../src/usecases/watch/queue/watch-work.ts'
import type { RegistryEvent } from '../../../src/usecases/watch/registry-event.ts'
import type { FinishedRun, WatchRunResult } from '../../../src/usecases/watch/watch-report.ts'
import { withFailingDisk } from '../../support/failing-disk.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'
import { startWatching, type Watching, type WatchingOptions } from '../../support/watching.ts'

const config = `version: 1
environments:
  staging: { registry: r.example.com, path: "staging/{image}" }
  prod: { registry: r.example.com, path: "prod/{image}", promoteFrom: [staging] }
watch:
  sources:
    - { name: registry, kind: distribution, registry: r.example.com, secretEnv: A }
    - { name: harbor, kind: harbor, registry: r.example.com, secretEnv: A }
    - { name: dray, kind: cloudevents, secretEnv: A }
  rules:
    - { on: "@staging/*", tags: { semver: ">=1" }, do: promote, to: prod }
`

function pushed(image: string, tag: string, content = tag): RegistryEvent {
  return {
    source: 'distribution',
    kind: 'push',
    path: `staging/${image}`,
    tag,
    digest: digestOf(content),
  }
}

/** A run that ends with the digests of its events. */
function finished(run: WatchRun, result: WatchRunResult = 'changed'): FinishedRun {
  const digests = Object.fromEntries(
    run.events.flatMap(({ tag, digest }) => (digest === undefined ? [] : [[tag, digest]])),
  )
  return {
    report: {
      kind: 'run',
      at: '',
      rule: run.rule,
      subject: run.subject,
      sources: [...new Set(run.events.map(({ source }) => source))],
      tags: run.events.map(({ tag }) => tag),
      result,
      attempt: 1 + (run.events[0]?.attempts ?? 0),
      durationMs: 0,
      digests,
      warnings: [],
      errors: [],
    },
    end: {
      kind: result === 'retried' ? 'retry' : 'done',
      digests: new Map(result === 'changed' ? Object.entries(digests) : []),
    },
  }
}

/** A service whose runs are noted. */
async function watching(
  options: Partial<WatchingOptions> = {},
): Promise<Watching & { readonly runs: WatchRun[] }> {
  const runs: WatchRun[] = []
  const execute: WatchingOptions['execute'] = async (run) => {
    runs.push(run)
    return finished(run)
  }
  const folder = options.folder ?? (await tempFolder())
  return { ...(await startWatching({ config, execute, ...options, folder })), runs }
}

async function emptied({ service }: Watching): Promise<void> {
  while (service.queue.length > 0) await new Promise((resolve) => setImmediate(resolve))
}

/** The number of open files of this process; 0 on a system without /proc. */
async function openFiles(): Promise<number> {
  return (await readdir('/proc/self/fd').catch(() => [])).length
}

describe('WatchService', () => {
  it('executes one run for each image after a storm of 10,000 events', async () => {
    const at = await watching()
    const images = Array.from({ length: 20 }, (_, i) => `api-${i}`)
    const sources = ['registry', 'harbor', 'dray']
    const before = await openFiles()
    let longest = 0
    const requests = Array.from({ length: 10_000 }, async (_, i) => {
      const image = images[i % images.length] ?? ''
      // Five tags of each image, each with two digests, so that most events are duplicates.
      const event = { ...pushed(image, `1.${i % 5}.0`, String(i % 10)), registry: 'r.example.com' }
      const answer = await at.service.accept(sources[i % 3] ?? '', [event])
      longest = Math.max(longest, at.service.queue.length)
      return answer
    })
    expect(new Set(await Promise.all(requests))).toEqual(new Set(['accepted']))
    expect(at.service.queue.length).toBe(20)
    expect(longest).toBe(20)
    expect(await openFiles()).toBeLessThanOrEqual(before + 1)
    await at.advance(60_000)
    await emptied(at)
    expect(at.runs.map(({ subject }) => subject).toSorted()).toEqual(
      images.map((image) => `@staging/${image}`).toSorted(),
    )
    expect(at.service.queue.length).toBe(0)
    const { events } = at.service.counts.totals()
    expect(events['queued']).toBe(20)
    expect((events['merged'] ?? 0) + (events['duplicate'] ?? 0)).toBe(9_980)
    // An event has a line of 300 bytes, and its end has two.
    expect((await stat(at.service.journalPath)).size).toBeLessThan(20 * 1_000)
  })

  it('keeps a storm of 30,000 different tags in a bounded queue and journal', async () => {
    const limits = { ...queueLimits, maxEvents: 1_000 }
    const at = await watching({ limits })
    const answers = await Promise.all(
      Array.from({ length: 30_000 }, async (_, i) =>
        at.service.accept('registry', [pushed('api', `1.0.${i}`)]),
      ),
    )
    expect(answers.filter((answer) => answer === 'accepted')).toHaveLength(1_000)
    expect(answers.filter((answer) => answer === 'full')).toHaveLength(29_000)
    expect(at.service.queue.length).toBe(1_000)
    await at.advance(60_000)
    await emptied(at)
    // The oldest were kept, 50 in each run.
    expect(at.runs).toHaveLength(20)
    expect(at.runs[0]?.events[0]?.tag).toBe('1.0.0')
    expect(at.service.queue.snapshot().handled).toHaveLength(1_000)
  })

  it('counts and shows no event as queued that is not on disk', async () => {
    const at = await watching()
    await at.service.accept('registry', [pushed('api', '1.0.0')])
    await rm(`${at.service.journalPath}.lock`, { recursive: true })
    await expect(at.service.accept('registry', [pushed('web', '1.0.0')])).rejects.toThrow(/lock/)
    expect(at.service.counts.totals().events).toEqual({ queued: 1 })
    expect(at.reports.filter(({ kind }) => kind === 'event')).toHaveLength(1)
  })

  it('accepts an event of an unknown repository and does nothing', async () => {
    const at = await watching()
    const other = { ...pushed('api', '1.0.0'), path: 'other/api' }
    const deleted = { ...pushed('api', '1.0.0'), kind: 'delete' as const }
    const signature = pushed('api', `sha256-${'a'.repeat(64)}.sig`)
    const answer = at.service.accept('registry', [other, deleted, signature, pushed('api', 'main')])
    expect(await answer).toBe('accepted')
    await at.advance(60_000)
    expect(at.runs).toEqual([])
    expect(await readFile(at.service.journalPath, 'utf8')).toBe('')
    expect(at.service.counts.totals().events).toEqual({ ignored: 4 })
  })

  it('uses the host of dray.yaml, and that of the event only for a source without one', async () => {
    const at = await watching()
    const event = { ...pushed('api', '1.0.0'), registry: 'registry.internal:5000' }
    await at.service.accept('dray', [event])
    await at.service.accept('registry', [event])
    expect(at.service.queue.snapshot().events.map(({ source }) => source)).toEqual(['registry'])
  })

  it('ignores a repeated event within the window and checks it again after it', async () => {
    const at = await watching()
    await at.service.accept('registry', [pushed('api', '1.0.0')])
    await at.advance(2_000)
    await at.service.accept('registry', [pushed('api', '1.0.0')])
    await at.advance(queueLimits.duplicateMs - 1)
    expect(at.runs).toHaveLength(1)
    await at.advance(1)
    await at.service.accept('registry', [pushed('api', '1.0.0')])
    await at.advance(2_000)
    expect(at.runs).toHaveLength(2)
  })

  it('runs the events of a process that ended after their acceptance, each once', async () => {
    const folder = await tempFolder()
    const clock = manualClock()
    const before = await watching({ folder, clock })
    await before.service.accept('registry', [pushed('api', '1.0.0')])
    await before.advance(2_000)
    await before.service.accept('harbor', [pushed('api', '1.1.0'), pushed('web', '2.0.0')])
    await before.stop()
    expect(before.runs).toHaveLength(1)
    const after = await watching({ folder, clock })
    await after.advance(2_000)
    const started = after.runs.map(
      ({ subject, events }) => `${subject}:${events.map(({ tag }) => tag).join()}`,
    )
    expect(started).toEqual(['@staging/api:1.1.0', '@staging/web:2.0.0'])
    expect(after.runs[0]?.events[0]?.source).toBe('harbor')
    await after.stop()
    const last = await watching({ folder, clock })
    await last.advance(60_000)
    expect(last.runs).toEqual([])
  })

  it('drops an event of the journal that no rule reads any more, with a warning', async () => {
    const folder = await tempFolder()
    const before = await watching({ folder })
    await before.service.accept('registry', [pushed('api', '1.0.0')])
    await before.stop()
    const after = await watching({ folder, config: config.replace('>=1', '>=2') })
    expect(after.warnings).toEqual([
      'the journal has an event of r.example.com/staging/api:1.0.0 for the rule @staging/* -> prod, which does not read it: dray drops it',
    ])
    expect(after.service.queue.length).toBe(0)
  })

  it('keeps no event that it could not write, so that the sender repeats it', async () => {
    const at = await watching()
    await withFailingDisk({ code: 'ENOSPC' }, async () => {
      const accepted = at.service.accept('registry', [pushed('api', '1.0.0')])
      const repeated = at.service.accept('registry', [pushed('api', '1.0.0')])
      await expect(accepted).rejects.toMatchObject({ code: 'io' })
      await expect(repeated).rejects.toMatchObject({ code: 'io' })
    })
    expect(at.service.queue.length).toBe(0)
    expect(await at.service.accept('registry', [pushed('api', '1.0.0')])).toBe('accepted')
    expect(at.service.queue.length).toBe(1)
  })

  it('finishes a run and writes its end before it stops, and starts no other', async () => {
    const folder = await tempFolder()
    const clock = manualClock()
    const go = Promise.withResolvers<void>()
    const runs: string[] = []
    const at = await startWatching({
      config,
      folder,
      clock,
      limits: { ...queueLimits, runsAtOnce: 1 },
      execute: async (run) => {
        runs.push(run.subject)
        await go.promise
        return finished(run)
      },
    })
    await at.service.accept('registry', [pushed('api', '1.0.0'), pushed('web', '1.0.0')])
    await at.advance(2_000)
    expect(runs).toEqual(['@staging/api'])
    const stopped = at.stop()
    go.resolve()
    await stopped
    expect(runs).toEqual(['@staging/api'])
    const after = await watching({ folder, clock })
    await after.advance(2_000)
    expect(after.runs.map(({ subject }) => subject)).toEqual(['@staging/web'])
  })

  it('repeats a run whose registry is down, and keeps its event over a restart', async () => {
    const folder = await tempFolder()
    const clock = manualClock()
    let attempts = 0
    const execute: WatchingOptions['execute'] = async (run) => {
      attempts++
      return finished(run, 'retried')
    }
    const at = await startWatching({ config, folder, clock, execute })
    await at.service.accept('registry', [pushed('api', '1.0.0')])
    await at.advance(2_000 + 5_000 + 10_000)
    expect(attempts).toBe(3)
    expect(at.service.counts.totals().runs).toEqual({ retried: 3 })
    await at.stop()
    const after = await watching({ folder, clock })
    await after.advance(2_000)
    expect(after.runs).toHaveLength(1)
    expect(after.service.queue.length).toBe(0)
  })

  it('ends if another process has taken its journal over', async () => {
    const at = await watching()
    const { writeFile } = await import('node:fs/promises')
    await writeFile(`${at.service.journalPath}.lock`, 'f'.repeat(32))
    await expect(at.service.accept('registry', [pushed('api', '1.0.0')])).rejects.toMatchObject({
      code: 'conflict',
    })
    await expect(at.service.lost).rejects.toBeInstanceOf(DrayError)
  })

  it('has metrics about its events, runs and queue', async () => {
    const at = await watching()
    await at.service.accept('registry', [pushed('api', '1.0.0'), pushed('web', '1.0.0')])
    await at.advance(2_000)
    await at.service.accept('harbor', [pushed('api', '1.1.0'), pushed('api', 'main')])
    await at.advance(1_500)
    const lines = at.service.metrics().filter((line) => !line.startsWith('#'))
    const now = at.clock.now() / 1000
    expect(lines).toEqual([
      'dray_watch_events_total{source="registry",result="queued"} 2',
      'dray_watch_events_total{source="harbor",result="queued"} 1',
      'dray_watch_events_total{source="harbor",result="ignored"} 1',
      'dray_watch_runs_total{rule="@staging/* -> prod",result="changed"} 2',
      'dray_watch_queue_length 1',
      'dray_watch_runs_active 0',
      'dray_watch_queue_oldest_seconds 1.5',
      `dray_watch_last_event_timestamp_seconds{source="registry"} ${now - 3.5}`,
      `dray_watch_last_event_timestamp_seconds{source="harbor"} ${now - 1.5}`,
    ])
  })
})
