import { describe, expect, it } from 'vitest'
import { isDrayError } from '../../../src/lib/errors.ts'
import { type Digest, parseDigest } from '../../../src/oci/digest.ts'
import { EventQueue } from '../../../src/usecases/watch/queue/event-queue.ts'
import type { WatchRun } from '../../../src/usecases/watch/queue/watch-work.ts'
import type { RegistryEvent } from '../../../src/usecases/watch/registry-event.ts'
import { eventSources } from '../../../src/usecases/watch/sources/event-sources.ts'
import { eventStorm, type StormEvent, type StormKind, stormSecrets } from '../../support/watch/event-storm.ts'

const start = Date.UTC(2026, 10, 28, 10)
const registry = 'registry.example.com'
const images = Array.from({ length: 20 }, (_, i) => `staging/image-${i}`)
const tags = ['1.4.2', '1.4', 'latest']
const options = { registry, images, tags, count: 10_000, seed: 22, now: start }

type Read = 'unauthorized' | 'malformed' | readonly RegistryEvent[]

/** Reads a request like the receiver. */
function read({ source, request }: StormEvent): Read {
  if (!eventSources[source].isAuthentic(request, stormSecrets[source], start)) return 'unauthorized'
  try {
    return eventSources[source].parse(request)
  } catch (error) {
    if (isDrayError(error) && error.code === 'malformed') return 'malformed'
    throw error
  }
}

function kindOf(result: Read): StormKind {
  if (typeof result === 'string') return result
  const [event] = result
  if (event === undefined) return 'ignored'
  return event.registry === registry && images.includes(event.path) ? 'push' : 'foreign'
}

/** The queue of a rule for all images, with a clock of the test. */
function queueOf() {
  const queue = new EventQueue()
  const runs: WatchRun[] = []
  const kept = new Map<string, Digest>()
  let longest = 0
  const settle = (now: number): void => {
    for (const run of queue.take(now)) {
      runs.push(run)
      // The registry has the digest of the last push.
      const digests = run.events.flatMap(({ repository, tag }): readonly (readonly [string, Digest])[] => {
        const digest = kept.get(`${repository}:${tag}`)
        return digest === undefined ? [] : [[tag, digest]]
      })
      queue.settle(run, { kind: 'done', digests: new Map(digests) }, now)
    }
  }
  return {
    queue,
    runs,
    settle,
    longest: () => longest,
    add: (source: string, { path, tag, digest }: RegistryEvent, now: number): void => {
      const parsed = digest === undefined ? undefined : parseDigest(digest)
      if (parsed !== undefined) kept.set(`${path}:${tag}`, parsed)
      const event = { source, repository: path, tag, ...(parsed !== undefined && { digest: parsed }) }
      queue.add(event, [{ rule: 'to prod', subject: path, targets: [path] }], now)
      longest = Math.max(longest, queue.length)
    },
  }
}

describe('a storm of 10,000 mixed events', () => {
  it('is read as it was sent: no request is refused or accepted by mistake', () => {
    const counts = new Map<StormKind, number>()
    const wrong = [...eventStorm(options)].flatMap((one) => {
      counts.set(one.kind, (counts.get(one.kind) ?? 0) + 1)
      const result = kindOf(read(one))
      return result === one.kind ? [] : [`${one.source}: ${result} instead of ${one.kind}`]
    })
    expect(wrong).toEqual([])
    expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(10_000)
    expect(Math.min(...counts.values())).toBeGreaterThan(300)
    expect(counts.size).toBe(5)
  })

  it.each([
    ['one tag', ['1.4.2']],
    ['several tags', tags],
  ])('of images with %s keeps one event for each tag, and starts one run for each image', (_name, used) => {
    const { add, longest, queue, runs, settle } = queueOf()
    const sent = { ...options, tags: used }
    let now = start
    for (const one of eventStorm(sent)) {
      const events = read(one)
      // 10,000 requests in 10 seconds.
      now += 1
      if (typeof events === 'string' || kindOf(events) !== 'push') continue
      for (const event of events) add(one.source, event, now)
      settle(now)
    }
    expect(runs).toEqual([])
    for (let ms = 0; queue.length > 0 && ms < 60_000; ms += 100) settle(now + ms)
    expect(queue.length).toBe(0)
    const handled = runs.flatMap(({ events }) => events.map(({ repository, tag }) => `${repository}:${tag}`))
    expect(handled.sort()).toEqual(images.flatMap((image) => used.map((tag) => `${image}:${tag}`)).sort())
    expect(longest()).toBe(images.length * used.length)
    expect(runs.map(({ subject }) => subject).sort()).toEqual([...images].sort())
  })
})
