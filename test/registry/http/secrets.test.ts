import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DrayError, toDrayError } from '../../../src/lib/errors.ts'
import { anyText } from '../../support/any-text.ts'
import { Secrets } from '../../../src/registry/http/secrets.ts'

function secretsOf(...texts: readonly string[]): Secrets {
  const secrets = new Secrets()
  for (const text of texts) secrets.add(text)
  return secrets
}

const password = `Tr0ub4dor&3 "ü"<'/:@`

describe('a secret that was sent', () => {
  it.each([
    ['in clear', `wrong password ${password}, again`, 'wrong password …, again'],
    ['in lower case, like a host', 'https://CANARY.test/', 'https://….test/', 'canary'],
    ['in capitals', 'DENIED: CANARY', 'DENIED: …', 'canary'],
    ['percent-encoded', `/x/${encodeURIComponent(password)}/y`, '/x/…/y'],
    ['percent-encoded by small digits', `/x/${encodeURIComponent(password).toLowerCase()}/y`, '/x/…/y'],
    ['as a form', new URLSearchParams({ p: password }).toString(), 'p=…'],
    ['quoted in JSON', 'Tr0ub4dor&3 \\"ü\\"<\'/:@!', '…!'],
    ['in Base64', `got ${Buffer.from(password).toString('base64')}`, 'got …'],
    ['in Base64 for URLs', `got ${Buffer.from(password).toString('base64url')}`, 'got …'],
  ])('is redacted %s', (_, text, redacted, secret = password) => {
    expect(secretsOf(secret).redact(text)).toBe(redacted)
  })

  it('is redacted in the Base64 of a longer text at any offset', () => {
    for (const before of ['', 'a', 'ab', 'abc', 'user:']) {
      const redacted = secretsOf('canary-password').redact(
        Buffer.from(`${before}canary-password and more`).toString('base64'),
      )
      const bytes = Buffer.from(redacted.replace('…', '????????????????????'), 'base64').toString('latin1')
      expect(redacted).toContain('…')
      expect(bytes).not.toMatch(/canary|password/)
    }
  })

  it('is redacted completely if another one has the same beginning', () => {
    expect(secretsOf('canary', 'canary-and-more').redact('canary-and-more canary')).toBe('… …')
  })

  it.each(['', 'a', 'abc'])('is not redacted if it has fewer than four characters: "%s"', (secret) => {
    expect(secretsOf(secret).redact('abc abc')).toBe('abc abc')
  })

  it('is searched as text, not as a pattern', () => {
    expect(secretsOf('.*.*.*', '[a-z]+', '(?:x', '\\d\\d').redact('abcd .*.*.* [a-z]+ 12 (?:x \\d\\d')).toBe(
      'abcd … … 12 … …',
    )
  })

  it('is never in the redacted text, whatever the text around it is', () => {
    const text = anyText(20)
    const secret = fc.string({
      unit: fc.constantFrom(...Array.from('abAB01+/=%&<>"\\ ü€😀')),
      minLength: 4,
      maxLength: 40,
    })
    fc.assert(
      fc.property(text, secret, text, (before, hidden, after) => {
        const redacted = secretsOf(hidden).redact(`${before}${hidden}${after}`)
        expect(redacted).toContain('…')
        expect(redacted).not.toContain(hidden)
      }),
    )
  })

  it('can have any length', () => {
    const secrets = new Secrets()
    const long = (kind: string): string =>
      Array.from({ length: 20_000 }, (_, at) => `${kind}${at}&/\\`).join('')
    for (const kind of ['a', 'b', 'c']) secrets.add(long(kind))
    for (let at = 0; at < 100; at++) secrets.addToken(`${at}${'eyJ.'.repeat(20_000)}`)
    expect(secrets.redact(`is ${long('b').slice(0, 16_384)} so`)).toBe('is … so')
    expect(secrets.redact(`is 99${'eyJ.'.repeat(20_000)} so`)).toBe('is … so')
  })

  it.each(['\\'.repeat(300), '%'.repeat(300), '&amp;'.repeat(60), ' +'.repeat(150)])(
    'is searched in linear time if its parts repeat',
    (secret) => {
      const redacted = secretsOf(secret).redact(`${secret.slice(1)}x`.repeat(300))
      expect(redacted.length).toBeLessThanOrEqual(secret.length * 300)
    },
  )

  it('that is a token is redacted until there are many newer ones', () => {
    const secrets = new Secrets()
    for (let i = 0; i < 1000; i++) secrets.addToken(`token-${i}-end`)
    expect(secrets.redact('token-999-end token-940-end')).toBe('… …')
  })
})

describe('an error that quotes a secret', () => {
  it('is redacted and keeps its other parts', () => {
    const error = new DrayError('protocol', 'no canary', {
      details: ['a canary'],
      subject: 'r.test/canary',
      why: 'canary!',
      hint: 'set canary',
      status: 400,
      registryCode: 'CANARY',
      cause: new Error('canary'),
    })
    const redacted = toDrayError(secretsOf('canary').redactError(error))
    expect(redacted).toMatchObject({
      code: 'protocol',
      message: 'no …',
      details: ['a …'],
      subject: 'r.test/…',
      why: '…!',
      hint: 'set …',
      status: 400,
      registryCode: '…',
    })
    expect([redacted.stack, redacted.cause].join()).not.toContain('canary')
  })

  it('in a cause has no causes after redaction', () => {
    const error = new DrayError('protocol', 'no', { cause: new Error('x', { cause: new Error('canary') }) })
    expect(toDrayError(secretsOf('canary').redactError(error)).cause).toBeUndefined()
  })

  it.each([new DrayError('protocol', 'no'), new Error('canary'), 'canary', undefined])(
    'is unchanged if it has no secret or is no DrayError: %s',
    (thrown) => {
      expect(secretsOf('canary').redactError(thrown)).toBe(thrown)
    },
  )
})
