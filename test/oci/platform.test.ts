import { describe, expect, it } from 'vitest'
import { fitsPlatform, formatPlatform, parsePlatform, parsePlatformName } from '../../src/oci/platform.ts'

describe('a platform', () => {
  it.each([
    [{ os: 'linux', architecture: 'amd64' }, 'linux/amd64'],
    [{ os: 'linux', architecture: 'arm64', variant: 'v8' }, 'linux/arm64/v8'],
    [{ os: 'linux', architecture: 'arm', variant: '' }, 'linux/arm'],
    [{ os: 'windows', architecture: 'amd64', 'os.version': '10.0.1' }, 'windows/amd64:10.0.1'],
    [{ os: 'linux', architecture: 'amd64', 'os.features': ['x'], features: null }, 'linux/amd64'],
    [{}, '/'],
  ])('%j is written %s', (fields, text) => {
    expect(formatPlatform(parsePlatform(fields, 'it'))).toBe(text)
  })

  it.each([[null], ['linux/amd64'], [[]], [{ os: 1 }], [{ os: 'linux', variant: {} }]])(
    'is malformed if it is %j',
    (value) => {
      expect(() => parsePlatform(value, 'it')).toThrow(expect.objectContaining({ code: 'malformed' }))
    },
  )

  it.each(['linux/amd64', 'linux/arm/v7', 'windows/amd64:10.0.1', 'linux/arm64/v8:1'])(
    'is parsed from %s and printed the same',
    (text) => {
      expect(formatPlatform(parsePlatformName(text))).toBe(text)
    },
  )

  it.each(['', 'linux', 'linux/', '/amd64', 'linux/arm/v7/x', 'linux/am d64', 'linux/amd64:'])(
    'cannot be parsed from %j',
    (text) => {
      expect(() => parsePlatformName(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
    },
  )

  it.each([
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm64/v8', 'linux/arm64', true],
    ['linux/arm', 'linux/arm/v6', true],
    ['linux/arm/v7', 'linux/arm', true],
    ['linux/arm/v6', 'linux/arm', false],
    ['linux/amd64', 'linux/arm64', false],
    ['windows/amd64', 'windows/amd64:10.0.1', true],
    ['windows/amd64:10.0.2', 'windows/amd64:10.0.1', false],
  ])('requested as %s, compared with %s: fits is %s', (requested, actual, fits) => {
    expect(fitsPlatform(parsePlatformName(requested), parsePlatformName(actual))).toBe(fits)
  })
})
