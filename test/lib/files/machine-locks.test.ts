import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { MachineLocks } from '../../../src/lib/files/machine-locks.ts'
import { tempFolder } from '../../support/temp.ts'

const never = new AbortController().signal

const folder = async (): Promise<string> => join(await tempFolder(), 'locks')

const locksIn = (place: string): MachineLocks => new MachineLocks({ folder: place, clock: systemClock })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('runs the work of one name one at a time, and of different names at once', async () => {
  const place = await folder()
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

it('runs the work without a lock if none can be created', async () => {
  const place = await folder()
  writeFileSync(place, 'a file where the folder should be')
  expect(await locksIn(place).run('x', never, () => Promise.resolve('done'))).toBe('done')
})

it('does not repeat failed work', async () => {
  let times = 0
  const failing = locksIn(await folder()).run('x', never, () => {
    times++
    return Promise.reject(new DrayError('io', 'no'))
  })
  await expect(failing).rejects.toMatchObject({ message: 'no' })
  expect(times).toBe(1)
})

it('runs nothing for a call that is aborted while another has the lock', async () => {
  const place = await folder()
  const stop = new AbortController()
  await locksIn(place).run('x', never, async () => {
    const waiting = locksIn(place).run('x', stop.signal, () => Promise.resolve('done'))
    stop.abort(new DrayError('interrupted', 'interrupted'))
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' })
  })
})
