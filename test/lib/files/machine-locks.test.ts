import { createHash } from 'node:crypto'
import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { MachineLocks, removeAbandonedLocks } from '../../../src/lib/files/machine-locks.ts'
import { tempFolder } from '../../support/temp.ts'

const never = new AbortController().signal

const locksIn = (place: string): MachineLocks => new MachineLocks({ folder: place, clock: systemClock })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('runs the work of one name one at a time, and of different names at once', async () => {
  const place = await tempFolder()
  const inside = new Map<string, number>()
  let most = 0
  const work = (name: string) => async (): Promise<void> => {
    inside.set(name, (inside.get(name) ?? 0) + 1)
    most = Math.max(most, inside.get(name) ?? 0)
    await turn()
    inside.set(name, (inside.get(name) ?? 0) - 1)
  }
  const names = ['r.example.com/a:sha256-1', '../../x y', 'r.example.com/a:sha256-1', '', '../../x y', '']
  await Promise.all(names.map((name) => locksIn(place).run(name, never, work(name))))
  expect(most).toBe(1)
})

it.each([
  ['there is no folder', 'missing'],
  ['a file is in place of the folder', 'file'],
])('runs the work without a lock if %s', async (_, name) => {
  const place = await tempFolder()
  writeFileSync(join(place, 'file'), '')
  const locks = locksIn(join(place, name))
  expect(await locks.run('x', never, () => Promise.resolve('done'))).toBe('done')
  expect(await locks.take('x', never)).toBeUndefined()
})

it('waits two minutes at most for a holder that lives', async () => {
  const place = await tempFolder()
  const holder = await locksIn(place).take('x', never)
  const [file = ''] = readdirSync(place)
  let now = 0
  let over: () => void = () => undefined
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
        signal.addEventListener('abort', () => reject(signal.reason))
        if (ms === 120_000) return void (over = resolve)
        now += 1_000
        utimesSync(join(place, file), now, now)
        if (now === 120_000) over()
        setImmediate(resolve)
      }),
  }
  const waiting = new MachineLocks({ folder: place, clock })
  expect(await waiting.take('x', never)).toBeUndefined()
  expect(now).toBe(120_000)
  await holder?.release()
})

it('does not repeat failed work', async () => {
  let times = 0
  const failing = locksIn(await tempFolder()).run('x', never, () => {
    times++
    return Promise.reject(new DrayError('io', 'no'))
  })
  await expect(failing).rejects.toMatchObject({ message: 'no' })
  expect(times).toBe(1)
})

it('runs nothing for a call that is aborted while another has the lock', async () => {
  const place = await tempFolder()
  const stop = new AbortController()
  await locksIn(place).run('x', never, async () => {
    const waiting = locksIn(place).run('x', stop.signal, () => Promise.resolve('done'))
    stop.abort(new DrayError('interrupted', 'interrupted'))
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' })
  })
})

it('leaves no lock of a killed process for longer than an hour', async () => {
  const place = await tempFolder()
  const locks = locksIn(place)
  const [held, killed] = [await locks.take('held', never), await locks.take('killed', never)]
  const names = readdirSync(place)
  const own = `${createHash('sha256').update('held').digest('hex')}.lock`
  const abandoned = names.filter((name) => name !== own)
  writeFileSync(join(place, 'writes'), '')
  for (const name of [...abandoned, 'writes']) utimesSync(join(place, name), 0, 0)
  removeAbandonedLocks({ folder: place, clock: systemClock })
  expect(readdirSync(place).sort()).toEqual([own, 'writes'].sort())
  await killed?.release()
  await held?.release()
  removeAbandonedLocks({ folder: join(place, 'missing'), clock: systemClock })
})
