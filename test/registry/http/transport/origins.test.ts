import { describe, expect, it } from 'vitest'
import {
  keepHttps,
  type RegistrySettings,
  registryOrigin,
} from '../../../../src/registry/http/transport/origins.ts'

describe('the origin of a registry', () => {
  it.each<[string, RegistrySettings, string]>([
    ['docker.io', {}, 'https://registry-1.docker.io'],
    ['ghcr.io', {}, 'https://ghcr.io'],
    ['r.example.com:5000', {}, 'https://r.example.com:5000'],
    ['r.example.com', { insecure: true }, 'http://r.example.com'],
    ['localhost:5000', {}, 'http://localhost:5000'],
    ['127.0.0.1:5000', {}, 'http://127.0.0.1:5000'],
    ['127.9.8.7', {}, 'http://127.9.8.7'],
    ['[::1]:5000', {}, 'http://[::1]:5000'],
    ['localhost:5000', { insecure: false }, 'https://localhost:5000'],
    ['127.0.0.1:5000', { ca: 'PEM' }, 'https://127.0.0.1:5000'],
    ['localhost.example.com', {}, 'https://localhost.example.com'],
    ['127.0.0.1.example.com', {}, 'https://127.0.0.1.example.com'],
    ['loopback.example.com', {}, 'https://loopback.example.com'],
    ['10.0.0.1:5000', {}, 'https://10.0.0.1:5000'],
    ['[::2]:5000', {}, 'https://[::2]:5000'],
  ])('%s with %j is %s', (registry, settings, origin) => {
    expect(registryOrigin(registry, settings).origin).toBe(origin)
  })

  it.each(['', 'a/b', 'a b', 'user@host', 'host?x', 'host#x', 'host:port'])(
    'is an error for %j',
    (registry) => {
      expect(() => registryOrigin(registry)).toThrow(`is not a registry's host`)
    },
  )
})

describe('a URL that a registry names', () => {
  it.each([
    ['http://r.example.com/v2/?a=1', 'https://r.example.com', 'https://r.example.com/v2/?a=1'],
    ['http://r.example.com:80/', 'https://r.example.com', 'https://r.example.com/'],
    ['http://r.example.com/', 'https://r.example.com:8443', 'https://r.example.com:8443/'],
    ['http://r.example.com:8443/', 'https://r.example.com:8443', 'https://r.example.com:8443/'],
    ['http://r.example.com:5000/', 'https://r.example.com', 'http://r.example.com:5000/'],
    ['http://other.example.com/', 'https://r.example.com', 'http://other.example.com/'],
    ['http://r.example.com/', 'http://r.example.com', 'http://r.example.com/'],
    ['https://r.example.com/', 'http://r.example.com', 'https://r.example.com/'],
    ['ftp://r.example.com/', 'https://r.example.com', 'ftp://r.example.com/'],
  ])('%s at %s is %s', (text, origin, expected) => {
    const url = new URL(text)
    keepHttps(url, new URL(origin))
    expect(url.href).toBe(expected)
  })
})
