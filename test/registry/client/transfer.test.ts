import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { TransportFailure } from '../../../src/registry/http/transport/transport-failure.ts'
import { FailedAttempts } from '../../../src/registry/client/transfer.ts'

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
