import { describe, expect, it } from 'vitest'
import { askedWaitMs, isRateLimited } from '../../../src/registry/http/asked-wait.ts'

const now = Date.UTC(2026, 10, 29, 12)
const seconds = now / 1000

const answer = (status: number, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers: new Map(Object.entries(headers)),
})

describe('a refusal for the number of requests', () => {
  it.each([
    ['429', 429, {}],
    ['403 with Retry-After (GitHub, secondary limit)', 403, { 'retry-after': '60' }],
    ['403 if nothing remains (GitHub, primary limit)', 403, { 'x-ratelimit-remaining': '0' }],
  ])('is %s', (_, status, headers) => {
    expect(isRateLimited(answer(status, headers))).toBe(true)
  })

  it.each([
    ['403 while requests remain', 403, { 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': '1' }],
    ['403 alone', 403, {}],
    ['200 with the last request', 200, { 'x-ratelimit-remaining': '0' }],
    ['503', 503, { 'retry-after': '5' }],
  ])('is not %s', (_, status, headers) => {
    expect(isRateLimited(answer(status, headers))).toBe(false)
  })
})

describe('the wait that an answer asks for', () => {
  it.each([
    ['Retry-After in seconds', { 'retry-after': '7' }, 7000],
    ['Retry-After, before other headers', { 'retry-after': '7', 'x-retry-after': `${seconds + 60}` }, 7000],
    ['X-Retry-After as Unix time (Docker Hub)', { 'x-retry-after': `${seconds + 60}` }, 60_000],
    ['X-Retry-After far away', { 'x-retry-after': `${seconds + 86_400}` }, 86_400_000],
    ['the reset of a limit that is used up', reset('0', 90), 90_000],
    [
      'a Unix time by the clock of the server',
      { 'x-retry-after': `${seconds + 60}`, date: new Date(now + 50_000).toUTCString() },
      10_000,
    ],
  ])('is %s', (_, headers: Readonly<Record<string, string>>, ms) => {
    expect(askedWaitMs(answer(429, headers), now)).toBe(ms)
  })

  it.each([
    ['a time that has passed', { 'x-retry-after': `${seconds - 60}` }],
    ['the reset while requests remain', reset('12', 90)],
    ['milliseconds', { 'x-retry-after': `${now + 60_000}` }],
    ['text', { 'x-retry-after': 'soon', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'soon' }],
  ])('is none for %s', (_, headers) => {
    expect(askedWaitMs(answer(429, headers), now)).toBeUndefined()
  })
})

function reset(remaining: string, inSeconds: number): Readonly<Record<string, string>> {
  return { 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': `${seconds + inSeconds}` }
}
