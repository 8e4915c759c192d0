import { describe, expect, it } from 'vitest'
import { formatPlatform, parsePlatform } from '../../src/oci/platform.ts'

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
    '%j is malformed',
    (value) => {
      expect(() => parsePlatform(value, 'it')).toThrow(expect.objectContaining({ code: 'malformed' }))
    },
  )
})
