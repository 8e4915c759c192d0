import { describe, expect, it } from 'vitest'
import { readRealm } from '../../../../src/registry/http/auth/token-realms.ts'

const trusts = (registry: string, origin: string, realm: string, tokenRealm?: string): boolean =>
  readRealm(registry, new URL(origin), realm, tokenRealm === undefined ? {} : { tokenRealm })
    .mayHaveCredentials

describe('a token server may have credentials', () => {
  it.each([
    ['r.example.com', 'https://r.example.com', 'https://r.example.com/token'],
    ['r.example.com', 'https://r.example.com', 'https://r.example.com:5001/token'],
    ['docker.io', 'https://registry-1.docker.io', 'https://auth.docker.io/token'],
    ['registry.hub.docker.com', 'https://registry.hub.docker.com', 'https://auth.docker.io/token'],
    ['registry.gitlab.com', 'https://registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['registry.gitlab.com:443', 'https://registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['127.0.0.1:5000', 'http://127.0.0.1:5000', 'http://127.0.0.1:5000/token'],
  ])('of %s (%s) at %s', (registry, origin, realm) => {
    expect(trusts(registry, origin, realm)).toBe(true)
  })

  // A proxy that ends TLS does not report that to the registry.
  it.each([
    ['https://r.example.com', 'http://r.example.com/token?x=1', 'https://r.example.com/token?x=1'],
    ['https://r.example.com:8443', 'http://r.example.com/token', 'https://r.example.com:8443/token'],
    ['https://r.example.com:8443', 'http://r.example.com:8443/token', 'https://r.example.com:8443/token'],
    ['https://r.example.com', 'http://r.example.com:80/token', 'https://r.example.com/token'],
  ])('of %s at %s, and is asked at %s', (origin, text, asked) => {
    const realm = readRealm('r.example.com', new URL(origin), text)
    expect(realm.url.href).toBe(asked)
    expect(realm.mayHaveCredentials).toBe(true)
  })

  it('if the configuration names it', () => {
    expect(
      trusts(
        'r.example.com',
        'https://r.example.com',
        'https://a.example.com/t?x=1',
        'https://a.example.com/t',
      ),
    ).toBe(true)
  })
})

describe('a token server may not have credentials', () => {
  it.each([
    ['r.example.com', 'https://r.example.com', 'http://r.example.com:8080/token'],
    ['r.example.com', 'https://r.example.com', 'http://evil.example.com/token'],
    ['r.example.com', 'https://r.example.com', 'https://evil.example.com/token'],
    ['r.example.com', 'https://r.example.com', 'https://r.example.com.evil.com/token'],
    ['r.example.com', 'https://r.example.com', 'https://auth.docker.io/token'],
    ['docker.io', 'https://registry-1.docker.io', 'https://auth.docker.io/other'],
    ['docker.io', 'https://registry-1.docker.io', 'http://auth.docker.io/token'],
    ['hub.docker.com', 'https://hub.docker.com', 'https://auth.docker.io/token'],
    ['registry.gitlab.com:5000', 'https://registry.gitlab.com:5000', 'https://gitlab.com/jwt/auth'],
    ['127.0.0.1:5000', 'http://127.0.0.1:5000', 'http://127.0.0.1:5001/token'],
    ['r.example.com', 'http://r.example.com', 'http://other.example.com/token'],
  ])('of %s (%s) at %s', (registry, origin, realm) => {
    expect(trusts(registry, origin, realm)).toBe(false)
  })

  it('over plain http if the registry has https, even if the configuration names it', () => {
    const realm = 'http://a.example.com/t'
    expect(trusts('r.example.com', 'https://r.example.com', realm, realm)).toBe(false)
  })

  it.each([
    '',
    'token',
    'ftp://r.example.com/',
    'https://user:pass@r.example.com/',
    `https://r.example.com/${'x'.repeat(3000)}`,
  ])('if its URL is %.40s', (realm) => {
    expect(() => readRealm('r.example.com', new URL('https://r.example.com'), realm)).toThrow(
      'is not an HTTP URL',
    )
  })
})
