import { describe, expect, it } from 'vitest'
import { expiryOf } from '../../../src/registry/credentials/token-expiry.ts'

const base64url = (text: string): string => Buffer.from(text).toString('base64url')
const token = (claims: unknown): string =>
  `${base64url('{"alg":"none"}')}.${base64url(JSON.stringify(claims))}.c2lnbmF0dXJl`
const password = (text: string) => ({ kind: 'basic', username: 'ci', password: text }) as const

describe('the expiry of a token', () => {
  it('is the claim of a password or refresh token, in milliseconds', () => {
    expect(expiryOf(password(token({ exp: 1_790_000_000 })))).toBe(1_790_000_000_000)
    expect(expiryOf({ kind: 'identity', token: token({ exp: 1.5 }) })).toBe(1500)
  })

  it.each([
    ['a password', 'secret'],
    ['a password with dots', 'a.b.c'],
    ['four parts', `${token({ exp: 1 })}.x`],
    ['a token without the claim', token({})],
    ['a claim of another type', token({ exp: '1790000000' })],
    ['a claim before 1970', token({ exp: -1 })],
    ['a claim after all dates', token({ exp: 1e300 })],
    ['no object', token([1])],
    ['null', token(null)],
  ])('is unknown for %s', (_, text) => {
    expect(expiryOf(password(text))).toBeUndefined()
  })
})
