import { describe, expect, it } from 'vitest'
import { DrayError, type ErrorCode } from '../../../src/lib/errors.ts'
import { TransportFailure } from '../../../src/registry/http/transport/transport-failure.ts'
import { FailedAttempts, TransferRetry } from '../../../src/registry/client/transfer.ts'

const mebibyte = 1024 ** 2
const slow = new DrayError('timeout', 'too slow', { cause: new TransportFailure('too slow', 'SLOW', true) })

/** The count after one failed attempt that reached each of these offsets. */
function countAfter(size: number, reached: readonly number[], failure?: unknown, start?: number): number {
  const failed = new FailedAttempts(size, start)
  for (const at of reached) {
    failed.reach(at, failure)
    failed.add()
  }
  return failed.count
}

describe('the failed attempts of a transfer', () => {
  it.each<[string, number, number[], number]>([
    ['without progress add up', 10 * mebibyte, [0, 0, 0], 3],
    ['with 1/1000 of a small blob each count once', 100_000, [100, 200, 300], 1],
    ['with less than 1/1000 of it add up', 100_000, [99, 99, 99], 3],
    ['with little progress count once when it adds up to enough', 100_000, [50, 100, 150], 2],
    ['with 1 MiB of a huge blob each count once', 1e12, [mebibyte, 2 * mebibyte, 3 * mebibyte], 1],
    ['with a byte less than 1 MiB of it add up', 1e12, [mebibyte - 1, mebibyte - 1], 2],
    ['that fall back and reach the same offset again add up', 100_000, [5_000, 0, 5_000, 4_000, 5_000], 5],
    ['with the last byte of the blob count once', 100_000, [99_950, 100_000], 1],
    ['of an empty blob add up', 0, [0, 0], 2],
  ])('%s', (_, size, reached, count) => {
    expect(countAfter(size, reached)).toBe(count)
  })

  it('count from the offset at which the transfer starts', () => {
    expect(countAfter(100_000, [50_000, 50_099], undefined, 50_000)).toBe(2)
    expect(countAfter(100_000, [50_100, 50_200], undefined, 50_000)).toBe(1)
  })

  it('that were too slow count once only if each moved 1 MiB', () => {
    expect(countAfter(100_000, [30_000, 60_000], slow)).toBe(2)
    expect(countAfter(10 * mebibyte, [mebibyte, 2 * mebibyte], slow)).toBe(1)
  })
})

describe('the retry of a transfer', () => {
  const waits: number[] = []
  const clock = { now: () => 0, sleep: async (ms: number) => void waits.push(ms) }
  const newCall = (signal = new AbortController().signal) => ({ signal, notify: () => undefined })
  const retry = new TransferRetry({ clock, random: () => 0.5 })

  /** The number of attempts of a transfer that always fails with an error. */
  async function attemptsWith(error: unknown, retrying = retry, call = newCall()): Promise<number> {
    let attempts = 0
    const begin = async (): Promise<number> => ++attempts
    const take = (): never => {
      throw error
    }
    await expect(retrying.run('r.test', call, begin, take)).rejects.toBe(error)
    return attempts
  }

  it.each<[ErrorCode, number]>([
    ['network', 8],
    ['timeout', 8],
    ['unavailable', 8],
    ['corrupt', 3],
    ['protocol', 1],
    ['not-found', 1],
    ['refused', 1],
  ])('makes for the code %s %i attempts', async (code, attempts) => {
    expect(await attemptsWith(new DrayError(code, 'no'))).toBe(attempts)
  })

  it('makes two attempts for a transfer that is too slow, and one for an error of another kind', async () => {
    expect(await attemptsWith(slow)).toBe(2)
    expect(await attemptsWith(new TypeError('a bug'))).toBe(1)
  })

  it('ends when the budget of the registry is used up, or the call is aborted', async () => {
    let left = 2
    const poor = new TransferRetry({ clock, random: () => 0.5, takeRetry: () => left-- > 0 })
    expect(await attemptsWith(new DrayError('network', 'no'), poor)).toBe(3)
    const aborted = newCall(AbortSignal.abort())
    expect(await attemptsWith(new DrayError('network', 'no'), retry, aborted)).toBe(1)
  })

  it('does not repeat a transfer that fails to begin', async () => {
    let begins = 0
    const begin = async (): Promise<never> => {
      begins++
      throw new DrayError('network', 'no')
    }
    await expect(retry.run('r.test', newCall(), begin, () => 1)).rejects.toMatchObject({ code: 'network' })
    expect(begins).toBe(1)
  })

  it('waits twice as long each time, up to 15 s, with jitter', async () => {
    waits.length = 0
    await attemptsWith(new DrayError('network', 'no'))
    expect(waits).toEqual([125, 250, 500, 1000, 2000, 4000, 7500])
  })

  it('reads a written manifest up to three times', async () => {
    const answers = [undefined, undefined, 'it', 'more']
    expect(await retry.readBack(newCall(), async () => answers.shift())).toBe('it')
    expect(answers).toEqual(['more'])
    let reads = 0
    expect(await retry.readBack(newCall(), async () => void reads++)).toBeUndefined()
    expect(reads).toBe(3)
  })
})
