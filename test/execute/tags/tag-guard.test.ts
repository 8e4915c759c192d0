import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { TagChecks } from '../../../src/execute/tags/tag-checks.ts'
import { TagGuard } from '../../../src/execute/tags/tag-guard.ts'
import type { TagLocks } from '../../../src/execute/tags/tag-locks.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import { waitForAttempt } from '../../../src/lib/freshness.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { notedCall } from '../../support/http-world.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tagLocksIn } from '../../support/tag-locks.ts'
import { type TagStores, tagStores } from '../../support/tag-stores.ts'
import { tempFolder } from '../../support/temp.ts'

const repository = { registry: 'registry.example.com', path: 'prod/api' }
const old = digestOf('old')
const never = new AbortController().signal

interface Run {
  readonly wanted: ReturnType<typeof digestOf>
  readonly guard: TagGuard
  /** sends the PUT, once the guard allows it */
  put(): Promise<void>
  /** does all that is left to do */
  finish(): Promise<void>
}

interface RunOptions {
  readonly clock: Clock
  readonly locks: TagLocks | undefined
  readonly tag?: string
  readonly stop?: AbortSignal
  readonly onLongWait?: () => void
}

/** A run that has checked the tag and wants to write it. */
async function begin(
  world: TagStores,
  label: string,
  { clock, locks, tag = 'stable', stop = never, onLongWait = () => undefined }: RunOptions,
): Promise<Run> {
  const wanted = digestOf(label)
  const expected = { kind: 'tag', repository, tag, digest: old } as const
  const checked = { repository, tag, wanted, expect: [expected] }
  const checks = new TagChecks(world.stores, clock)
  const check = () => checks.check(checked, notedCall())
  const guard = new TagGuard(checked, await check(), { clock, locks, check, stop, onLongWait })
  const put = async (): Promise<void> => {
    await waitForAttempt(() => guard.beforeAttempt(undefined, never))
    world.requests.push(`PUT ${label}`)
    world.tags.set(tag, wanted)
  }
  const finish = async (): Promise<void> => {
    try {
      await guard.enter(never)
      await put()
    } finally {
      await guard.leave()
    }
  }
  return { wanted, guard, put, finish }
}

async function machine() {
  const folder = await tempFolder()
  return {
    world: tagStores({ stable: old, '1.4': old }),
    clock: manualClock(),
    folder,
    locks: tagLocksIn(folder),
  }
}

/** The clock of a process that polls without waiting, and whose heartbeats never come. */
function withoutHeartbeats(): Clock & { suspend(ms: number): void } {
  let now = 0
  return {
    now: () => now,
    suspend: (ms) => void (now += ms),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
        if (ms >= 1_000) return signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        now += ms
        setImmediate(resolve)
      }),
  }
}

it('a first check counts if no run has written the tag since it began', async () => {
  const { world, ...options } = await machine()
  const run = await begin(world, 'ours', options)
  const other = await begin(world, 'other', { ...options, tag: '1.4' })
  await other.finish()
  await run.finish()
  expect(world.requests).toEqual(['HEAD stable', 'HEAD 1.4', 'PUT other', 'PUT ours'])
})

it('a run that checked before another one wrote ends with a conflict, and knows what is there', async () => {
  const { world, ...options } = await machine()
  const [first, second] = [await begin(world, 'first', options), await begin(world, 'second', options)]
  await first.finish()
  await expect(second.finish()).rejects.toMatchObject({ code: 'conflict' })
  expect(world.tags.get('stable')).toBe(first.wanted)
  expect(second.guard.last.found).toBe(first.wanted)
})

it('a run waits for one that writes the tag, and then checks', async () => {
  const { world, ...options } = await machine()
  const [first, second] = [await begin(world, 'first', options), await begin(world, 'second', options)]
  await first.guard.enter(never)
  const waiting = second.finish()
  await first.put()
  expect(world.requests).toEqual(['HEAD stable', 'HEAD stable', 'PUT first'])
  await first.guard.leave()
  await expect(waiting).rejects.toMatchObject({ code: 'conflict' })
})

it('a check made while another run was writing does not count', async () => {
  const { world, clock, ...options } = await machine()
  const first = await begin(world, 'first', { ...options, clock })
  await first.guard.enter(never)
  await clock.advance(1)
  const second = await begin(world, 'second', { ...options, clock })
  await clock.advance(1)
  await first.put()
  await first.guard.leave()
  await clock.advance(1)
  await expect(second.finish()).rejects.toMatchObject({ code: 'conflict' })
})

it('a check does not count after a run that never ended its write', async () => {
  const { world, clock, folder } = await machine()
  const [dead, alive] = [tagLocksIn(folder, withoutHeartbeats()), tagLocksIn(folder, withoutHeartbeats())]
  const first = await begin(world, 'first', { clock, locks: dead })
  await first.guard.enter(never)
  await clock.advance(1)
  const second = await begin(world, 'second', { clock, locks: alive })
  world.tags.set('stable', first.wanted)
  await expect(second.finish()).rejects.toMatchObject({ code: 'conflict' })
})

it('a run that was suspended before its PUT takes the lock again, and overwrites nothing', async () => {
  const { world, clock, folder } = await machine()
  const suspended = withoutHeartbeats()
  const first = await begin(world, 'first', { clock, locks: tagLocksIn(folder, suspended) })
  const second = await begin(world, 'second', { clock, locks: tagLocksIn(folder, withoutHeartbeats()) })
  await first.guard.enter(never)
  suspended.suspend(60_000)
  await second.finish()
  await expect(first.put()).rejects.toMatchObject({ code: 'conflict' })
  await first.guard.leave()
  expect(world.tags.get('stable')).toBe(second.wanted)
  expect(first.guard.last.found).toBe(second.wanted)
})

it('a run that was suspended before its PUT continues after a check if no other run wrote the tag', async () => {
  const { world, clock, folder } = await machine()
  const suspended = withoutHeartbeats()
  const run = await begin(world, 'ours', { clock, locks: tagLocksIn(folder, suspended) })
  await run.guard.enter(never)
  suspended.suspend(60_000)
  await run.put()
  expect(world.requests).toEqual(['HEAD stable', 'HEAD stable', 'PUT ours'])
})

it.each<[string, (folder: string) => TagLocks | undefined]>([
  ['there are no locks', () => undefined],
  ['the lock cannot be created', (folder) => tagLocksIn(join(folder, 'missing'))],
  [
    'it cannot be read when the tag was written',
    (folder) => {
      mkdirSync(join(folder, 'writes'))
      return tagLocksIn(folder)
    },
  ],
])('the tag is checked directly before the PUT if %s', async (_, locksIn) => {
  const { world, clock, folder } = await machine()
  const locks = locksIn(folder)
  const [run, late] = [
    await begin(world, 'ours', { clock, locks }),
    await begin(world, 'late', { clock, locks }),
  ]
  await run.finish()
  await expect(late.finish()).rejects.toMatchObject({ code: 'conflict' })
  expect(world.requests.slice(2, 4)).toEqual(['HEAD stable', 'PUT ours'])
  expect(world.requests).not.toContain('PUT late')
})

it('a run that is stopped does not wait for another one', async () => {
  const { world, ...options } = await machine()
  const stop = AbortSignal.abort(new Error('stopped'))
  const first = await begin(world, 'first', options)
  const second = await begin(world, 'second', { ...options, stop })
  await first.guard.enter(never)
  await expect(second.guard.enter(never)).rejects.toThrow('stopped')
  await first.guard.leave()
})

it('a run that was suspended before its PUT, and is stopped, does not wait for the run that came', async () => {
  const { world, clock, folder } = await machine()
  const [suspended, stop] = [withoutHeartbeats(), new AbortController()]
  const first = await begin(world, 'first', {
    clock,
    locks: tagLocksIn(folder, suspended),
    stop: stop.signal,
  })
  const second = await begin(world, 'second', { clock, locks: tagLocksIn(folder, withoutHeartbeats()) })
  await first.guard.enter(never)
  suspended.suspend(60_000)
  await second.guard.enter(never)
  stop.abort(new Error('stopped'))
  await expect(first.put()).rejects.toThrow('stopped')
  await Promise.all([first.guard.leave(), second.guard.leave()])
})

it('a run that waits long for another one reports it once', async () => {
  const { world, clock, folder, locks } = await machine()
  const first = await begin(world, 'first', { clock, locks })
  await first.guard.enter(never)
  let reports = 0
  const onLongWait = (): void => void reports++
  const second = await begin(world, 'second', {
    clock,
    locks: tagLocksIn(folder, withoutHeartbeats()),
    onLongWait,
  })
  await second.finish()
  expect(reports).toBe(1)
  await first.guard.leave()
})
