import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../src/oci/digest.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { EventQueue, queueLimits } from '../../../src/usecases/watch/queue/event-queue.ts'
import type { AcceptedEvent, RunEnd, Trigger } from '../../../src/usecases/watch/queue/watch-work.ts'
import { randomFrom } from '../../support/random.ts'

const a = digestOf('a')
const b = digestOf('b')

function event(tag: string, digest?: Digest, image = 'api'): AcceptedEvent {
  const repository = `registry.example.com/staging/${image}`
  return { source: 'hub', repository, tag, ...(digest !== undefined && { digest }) }
}

function toProd(image = 'api'): readonly Trigger[] {
  return [{ rule: 'prod', subject: image, targets: [`registry.example.com/prod/${image}`] }]
}

function done(digests: Readonly<Record<string, Digest>> = {}): RunEnd {
  return { kind: 'done', digests: new Map(Object.entries(digests)) }
}

const retry: RunEnd = { kind: 'retry', digests: new Map() }

function started(queue: EventQueue, now: number): readonly string[] {
  return queue.take(now).map(({ subject, events }) => `${subject}:${events.map(({ tag }) => tag).join(',')}`)
}

describe('EventQueue', () => {
  it('starts a run after two seconds without an event of its image', () => {
    const queue = new EventQueue()
    queue.add(event('1.0.0', a), toProd(), 0)
    queue.add(event('1.0.0', b), toProd(), 1_500)
    expect(queue.nextAt()).toBe(3_500)
    expect(started(queue, 3_499)).toEqual([])
    expect(started(queue, 3_500)).toEqual(['api:1.0.0'])
  })

  it('starts a run after thirty seconds while events of its image continue', () => {
    const queue = new EventQueue()
    for (let now = 0; now < 30_000; now += 1_000) {
      queue.add(event('main', digestOf(String(now))), toProd(), now)
      expect(started(queue, now)).toEqual([])
    }
    expect(queue.nextAt()).toBe(30_000)
    expect(started(queue, 30_000)).toEqual(['api:main'])
  })

  it('ignores an event whose digest waits already, and does not wait longer for it', () => {
    const queue = new EventQueue()
    expect(queue.add(event('1.0.0', a), toProd(), 0).kind).toBe('queued')
    expect(queue.add(event('1.0.0', a), toProd(), 1_000).kind).toBe('duplicate')
    expect(queue.length).toBe(1)
    expect(started(queue, 2_000)).toEqual(['api:1.0.0'])
  })

  it('ignores the digest of a finished run for ten minutes, and checks it again later', () => {
    const queue = new EventQueue()
    queue.add(event('1.0.0', a), toProd(), 0)
    const [run] = queue.take(2_000)
    if (run === undefined) throw new Error('no run')
    queue.settle(run, done({ '1.0.0': a }), 5_000)
    expect(queue.add(event('1.0.0', a), toProd(), 5_000 + queueLimits.duplicateMs - 1).kind).toBe('duplicate')
    expect(queue.add(event('1.0.0', b), toProd(), 5_001).kind).toBe('queued')
    expect(queue.take(10_000)[0]?.events[0]?.digest).toBe(b)
    expect(queue.add(event('1.0.0', a), toProd(), 5_000 + queueLimits.duplicateMs).kind).toBe('queued')
  })

  it('does not take the digest of a failed run as processed', () => {
    const queue = new EventQueue()
    queue.add(event('1.0.0', a), toProd(), 0)
    const [run] = queue.take(2_000)
    if (run === undefined) throw new Error('no run')
    queue.settle(run, done(), 3_000)
    expect(queue.length).toBe(0)
    expect(queue.add(event('1.0.0', a), toProd(), 4_000).kind).toBe('queued')
  })

  it('processes all tags of an image in one run, when the last one is quiet', () => {
    const queue = new EventQueue()
    queue.add(event('1.0.0'), toProd(), 0)
    queue.add(event('1.0.0', a, 'web'), toProd('web'), 0)
    queue.add(event('1.1.0'), toProd(), 0)
    queue.add(event('1.2.0'), toProd(), 1_000)
    expect(queue.nextAt()).toBe(2_000)
    expect(started(queue, 2_000)).toEqual(['web:1.0.0'])
    expect(queue.nextAt()).toBe(3_000)
    expect(started(queue, 3_000)).toEqual(['api:1.0.0,1.1.0,1.2.0'])
  })

  it('starts a run of all tags when one has waited thirty seconds, while other tags continue', () => {
    const queue = new EventQueue()
    queue.add(event('1.0.0', a), toProd(), 0)
    for (let now = 1_000; now < 30_000; now += 1_000) {
      queue.add(event(`1.0.${now}`, a), toProd(), now)
      expect(started(queue, now)).toEqual([])
    }
    expect(queue.nextAt()).toBe(30_000)
    const [run, ...others] = queue.take(30_000)
    expect([run?.events.length, others]).toEqual([30, []])
  })

  it('starts the run of a new tag while another tag of its image waits for its next attempt', () => {
    const queue = new EventQueue({ ...queueLimits, retryMs: 60_000 })
    queue.add(event('1.0.0', a), toProd(), 0)
    const [run] = queue.take(2_000)
    if (run === undefined) throw new Error('no run')
    queue.settle(run, retry, 2_000)
    queue.add(event('2.0.0', a), toProd(), 10_000)
    expect(queue.nextAt()).toBe(12_000)
    expect(started(queue, 12_000)).toEqual(['api:2.0.0'])
  })

  it('takes a run whenever its time has come: the loop never wakes up in vain', () => {
    const random = randomFrom(22)
    const queue = new EventQueue()
    const inVain: number[] = []
    let now = 0
    for (let i = 0; i < 2_000; i++) {
      now += Math.floor(random() * 3_000)
      queue.add(event(`1.0.${Math.floor(random() * 4)}`, digestOf(String(i))), toProd(), now)
      const isDue = (queue.nextAt() ?? Infinity) <= now
      const runs = queue.take(now)
      if (isDue !== runs.length > 0) inVain.push(now)
      const end = random() < 0.5 ? retry : done()
      for (const run of runs) queue.settle(run, end, now + Math.floor(random() * 3_000))
    }
    expect(inVain).toEqual([])
  })

  it('starts no second run with a common target until the first has ended', () => {
    const queue = new EventQueue()
    const target = ['registry.example.com/prod/api']
    queue.add(event('1.0.0'), [{ rule: 'one', subject: 'api', targets: target }], 0)
    queue.add(event('2.0.0'), [{ rule: 'two', subject: 'api', targets: target }], 0)
    const [run, ...others] = queue.take(2_000)
    if (run === undefined) throw new Error('no run')
    expect(others).toEqual([])
    expect(queue.nextAt()).toBeUndefined()
    queue.settle(run, done(), 3_000)
    expect(queue.take(3_000).map(({ rule }) => rule)).toEqual(['two'])
  })

  it('keeps an event that arrives during the run of its tag for another run', () => {
    const queue = new EventQueue()
    queue.add(event('main', a), toProd(), 0)
    const [run] = queue.take(2_000)
    if (run === undefined) throw new Error('no run')
    expect(queue.add(event('main', b), toProd(), 2_100).kind).toBe('queued')
    expect(started(queue, 60_000)).toEqual([])
    queue.settle(run, done({ main: a }), 60_000)
    expect(started(queue, 60_000)).toEqual(['api:main'])
  })

  it('repeats a run that met an unavailable registry, with longer and longer pauses', () => {
    const queue = new EventQueue()
    queue.add(event('1.0.0', a), toProd(), 0)
    let now = 2_000
    const pauses: number[] = []
    for (let attempt = 0; attempt < 9; attempt++) {
      const [run] = queue.take(now)
      if (run === undefined) throw new Error('no run')
      queue.settle(run, retry, now)
      const next = queue.nextAt() ?? 0
      pauses.push((next - now) / 1000)
      now = next
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300])
    expect(queue.oldestAt).toBe(0)
  })

  it('drops an event whose runs have failed for a day, and not after the first attempt', () => {
    const queue = new EventQueue()
    queue.add(event('1.0.0', a), toProd(), 0)
    let now: number = queueLimits.giveUpMs
    for (let attempt = 1; attempt <= queueLimits.giveUpAttempts; attempt++) {
      const [run] = queue.take(now)
      if (run === undefined) throw new Error('no run')
      const isLast = attempt === queueLimits.giveUpAttempts
      const settled = queue.settle(run, retry, now)
      expect(settled.dropped.map(({ tag }) => tag)).toEqual(isLast ? ['1.0.0'] : [])
      now = queue.nextAt() ?? now
    }
    expect(queue.length).toBe(0)
  })

  it('waits no longer if the clock is set back', () => {
    const hour = 60 * 60_000
    const queue = new EventQueue()
    queue.add(event('1.0.0', a), toProd(), 2 * hour)
    queue.add(event('1.0.0', a, 'web'), toProd('web'), 2 * hour + 1_000)
    const [run] = queue.take(2 * hour + 2_000)
    if (run === undefined) throw new Error('no run')
    queue.settle(run, retry, hour)
    expect(queue.nextAt()).toBe(hour + 1_000)
    queue.add(event('2.0.0', a, 'web'), toProd('web'), 10_000)
    expect(queue.nextAt()).toBe(12_000)
    expect(queue.take(15_000).map(({ subject }) => subject)).toEqual(['web', 'api'])
  })

  it('refuses new tags if it is full, and keeps the oldest events', () => {
    const queue = new EventQueue({ ...queueLimits, maxEvents: 3 })
    const kinds = ['1.0.0', '1.1.0', '1.2.0', '1.3.0'].map(
      (tag, at) => queue.add(event(tag, a), toProd(), at).kind,
    )
    expect(kinds).toEqual(['queued', 'queued', 'queued', 'full'])
    expect(queue.add(event('1.0.0', b), toProd(), 9).kind).toBe('merged')
    expect(queue.snapshot().events.map(({ tag }) => tag)).toEqual(['1.0.0', '1.1.0', '1.2.0'])
  })

  it('counts the events of runs as part of the queue', () => {
    const queue = new EventQueue({ ...queueLimits, maxEvents: 1 })
    queue.add(event('1.0.0'), toProd(), 0)
    queue.take(2_000)
    expect(queue.length).toBe(1)
    expect(queue.add(event('1.1.0'), toProd(), 2_000).kind).toBe('full')
  })

  it('starts no more runs at once than its limit', () => {
    const queue = new EventQueue({ ...queueLimits, runsAtOnce: 2 })
    for (const image of ['a', 'b', 'c']) queue.add(event('1', a, image), toProd(image), 0)
    expect(started(queue, 2_000)).toEqual(['a:1', 'b:1'])
    expect(queue.nextAt()).toBeUndefined()
  })

  it('continues with the events of an earlier process at once, and with its processed digests', () => {
    const before = new EventQueue()
    before.add(event('1.0.0', a), toProd(), 0)
    before.add(event('1.0.0', a, 'web'), toProd('web'), 0)
    const [first] = before.take(2_000)
    if (first === undefined) throw new Error('no run')
    before.settle(first, done({ '1.0.0': a }), 2_000)
    const { events, handled } = before.snapshot()
    const queue = new EventQueue()
    queue.restore(events, handled, 100_000)
    expect(started(queue, 100_000)).toEqual(['web:1.0.0'])
    expect(queue.add(event('1.0.0', a), toProd(), 100_000).kind).toBe('duplicate')
    expect(queue.add(event('2.0.0', a), toProd(), 100_000)).toMatchObject({ events: [{ seq: 3 }] })
  })

  it('forgets the digests that it processed first', () => {
    const queue = new EventQueue({ ...queueLimits, maxEvents: 2 })
    for (const [i, tag] of ['1', '2', '3'].entries()) {
      queue.add(event(tag, a), toProd(), i)
      const [run] = queue.take(10_000)
      if (run === undefined) throw new Error('no run')
      queue.settle(run, done({ [tag]: a }), 10_000)
    }
    expect(queue.snapshot().handled.map(({ tag }) => tag)).toEqual(['2', '3'])
  })
})
