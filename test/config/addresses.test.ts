import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Address, formatAddress, parseAddress } from '../../src/config/addresses.ts'
import { isDrayError } from '../../src/lib/errors.ts'
import { parseDigest } from '../../src/oci/digest.ts'

const hex = 'a'.repeat(64)
const digest = parseDigest(`sha256:${hex}`)
const image = { kind: 'image', environment: 'staging' }

describe('an address', () => {
  it.each<[string, string | undefined, object]>([
    [
      'registry.example.com/team/api:1.4.2',
      undefined,
      { kind: 'reference', reference: { registry: 'registry.example.com', path: 'team/api', tag: '1.4.2' } },
    ],
    [
      'api:1.4.2',
      undefined,
      { kind: 'reference', reference: { registry: 'docker.io', path: 'library/api', tag: '1.4.2' } },
    ],
    ['api:1.4.2', 'staging', { ...image, image: 'api', tag: '1.4.2' }],
    ['api', 'staging', { ...image, image: 'api' }],
    ['frontend/web:2', 'staging', { ...image, image: 'frontend/web', tag: '2' }],
    [`api:1@sha256:${hex}`, 'staging', { ...image, image: 'api', tag: '1', digest }],
    [
      'localhost:5000/api:1',
      'staging',
      { kind: 'reference', reference: { registry: 'localhost:5000', path: 'api', tag: '1' } },
    ],
    ['localhost/api', 'staging', { kind: 'reference', reference: { registry: 'localhost', path: 'api' } }],
    ['@staging', undefined, { kind: 'environment', environment: 'staging' }],
    ['@staging', 'prod', { kind: 'environment', environment: 'staging' }],
    ['@staging/api', 'prod', { ...image, image: 'api' }],
    [`@staging/frontend/web@sha256:${hex}`, undefined, { ...image, image: 'frontend/web', digest }],
    ['oci:./dir', undefined, { kind: 'layout', folder: './dir' }],
    ['oci:./dir:1.4.2', 'staging', { kind: 'layout', folder: './dir', tag: '1.4.2' }],
    [`oci:./dir@sha256:${hex}`, undefined, { kind: 'layout', folder: './dir', digest }],
    ['oci:./a:b/c', undefined, { kind: 'layout', folder: './a:b/c' }],
    ['oci:./a:b/', undefined, { kind: 'layout', folder: './a:b/' }],
    ['oci:./a:b:c', undefined, { kind: 'layout', folder: './a:b', tag: 'c' }],
    ['oci:C:\\images\\api', undefined, { kind: 'layout', folder: 'C:\\images\\api' }],
    ['oci:C:\\images\\api:1', undefined, { kind: 'layout', folder: 'C:\\images\\api', tag: '1' }],
    ['oci:user@host/dir:1', undefined, { kind: 'layout', folder: 'user@host/dir', tag: '1' }],
  ])('%s with the environment %s is understood', (text, environment, address) => {
    expect(parseAddress(text, environment)).toEqual(address)
  })

  it.each([
    ['', 'is empty'],
    ['@', 'is not the name of an environment'],
    ['@Staging/api', '"Staging" is not the name of an environment'],
    ['@staging:1.4.2', 'is not the name of an environment'],
    ['@staging/', 'has no name of an image'],
    ['@staging/:1', 'has no name of an image'],
    ['@staging/API', 'must be lower case'],
    ['@staging/api:', 'is not a tag'],
    ['@staging/api:1:2', 'is not a tag'],
    ['@staging/api@sha256:12', 'is not a digest'],
    ['oci:', 'names no folder'],
    ['oci::1', 'names no folder'],
    ['oci:./dir:', 'is not a tag'],
    ['oci:./dir:a tag', 'is not a tag'],
    [`oci:${'x'.repeat(5000)}`, 'too long'],
  ])('%s is refused: %s', (text, said) => {
    expect(() => parseAddress(text)).toThrowError(
      expect.objectContaining({ code: 'malformed', message: expect.stringContaining(said) }),
    )
  })

  it('that parses prints back the same, whatever it is', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8})?$/)
    const end = fc.constantFrom('', ':1.4.2', `@sha256:${hex}`, `:v1@sha256:${hex}`)
    const shaped = fc.oneof(
      fc.tuple(
        fc.constantFrom('', '@staging/', 'localhost:5000/', 'r.example.com/', 'oci:./', 'oci:'),
        name,
        end,
      ),
      fc.tuple(fc.constantFrom('oci:', '@', '@prod/', ''), fc.string(), end),
    )
    fc.assert(
      fc.property(shaped, fc.constantFrom(undefined, 'dev'), ([start, middle, last], environment) => {
        const address = attempt(`${start}${middle}${last}`, environment)
        const again = address === undefined ? undefined : parseAddress(formatAddress(address))
        expect(again).toEqual(address)
      }),
      { numRuns: 2000 },
    )
  })
})

/** Undefined where it is refused with our error; anything else thrown fails the test. */
function attempt(text: string, environment: string | undefined): Address | undefined {
  try {
    return parseAddress(text, environment)
  } catch (thrown) {
    if (isDrayError(thrown)) return undefined
    throw thrown
  }
}
