import { describe, expect, it } from 'vitest'
import { isFresh, repeatStaleCheck } from '../../src/lib/freshness.ts'
import { manualClock } from '../support/manual-clock.ts'

describe('a check', () => {
  it('is valid for two seconds from the time at which it began', async () => {
    const clock = manualClock()
    const checkedAt = clock.now()
    await clock.advance(2_000)
    expect(isFresh(checkedAt, clock.now())).toBe(true)
    await clock.advance(1)
    expect(isFresh(checkedAt, clock.now())).toBe(false)
  })

  it('is not valid if the clock was set back since', () => {
    expect(isFresh(10_000, 9_999)).toBe(false)
  })

  it('is never valid if it was made for another run', () => {
    expect(isFresh(undefined, 0)).toBe(false)
  })
})

describe('the function that repeats a stale check', () => {
  const counted = (ms = 0) => {
    const clock = manualClock()
    let checks = 0
    const beforeAttempt = repeatStaleCheck(clock.now(), clock, async () => {
      checks++
      if (ms > 0) await clock.sleep(ms, new AbortController().signal)
    })
    return { clock, beforeAttempt, checks: () => checks }
  }

  it('does nothing while the check is valid, and repeats it once it is too old', async () => {
    const { clock, beforeAttempt, checks } = counted()
    await clock.advance(2_000)
    expect(beforeAttempt()).toBeUndefined()
    await clock.advance(1)
    await beforeAttempt()
    expect(beforeAttempt()).toBeUndefined()
    expect(checks()).toBe(1)
    await clock.advance(2_001)
    await beforeAttempt()
    expect(checks()).toBe(2)
  })

  it('counts a repeated check that takes longer than two seconds from its end', async () => {
    const { clock, beforeAttempt, checks } = counted(5_000)
    await clock.advance(2_001)
    const repeated = beforeAttempt()
    await clock.advance(5_000)
    await repeated
    expect(beforeAttempt()).toBeUndefined()
    await clock.advance(2_001)
    void beforeAttempt()
    expect(checks()).toBe(2)
  })

  it('rejects with what the check throws', async () => {
    const clock = manualClock()
    const beforeAttempt = repeatStaleCheck(clock.now() - 2_001, clock, () =>
      Promise.reject(new Error('the tag was moved')),
    )
    await expect(beforeAttempt()).rejects.toThrow('the tag was moved')
  })
})
