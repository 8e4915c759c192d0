import { describe, expect, it } from 'vitest'
import { Turns } from '../../src/embedded/turns.ts'

describe('turns', () => {
  it('run actions with one key one after another, also after failures', async () => {
    const turns = new Turns()
    const gate = Promise.withResolvers<void>()
    const done: string[] = []
    const first = turns.run('a', async () => {
      await gate.promise
      done.push('first')
      throw new RangeError('first failed')
    })
    const second = turns.run('a', () => Promise.resolve(done.push('second')))
    await turns.run('b', () => Promise.resolve(done.push('other')))
    gate.resolve()
    await expect(first).rejects.toThrow('first failed')
    await expect(second).resolves.toBe(3)
    expect(done).toEqual(['other', 'first', 'second'])
  })
})
