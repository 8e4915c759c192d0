import { describe, expect, it } from 'vitest'
import { parseArgument } from '../../../src/config/resolver/argument-grammar.ts'
import { parseDigest } from '../../../src/oci/digest.ts'

const hex = 'a'.repeat(64)
const digest = parseDigest(`sha256:${hex}`)
const image = { kind: 'image', environment: 'staging' }

describe('an argument', () => {
  it.each<[string, object]>([
    [
      'registry.example.com/team/api:1.4.2',
      { kind: 'reference', reference: { registry: 'registry.example.com', path: 'team/api', tag: '1.4.2' } },
    ],
    ['api:1.4.2', { kind: 'bareName', text: 'api:1.4.2' }],
    ['team/api', { kind: 'bareName', text: 'team/api' }],
    ['Team/api', { kind: 'bareName', text: 'Team/api' }],
    ['localhost', { kind: 'bareName', text: 'localhost' }],
    [
      'localhost:5000/api:1',
      { kind: 'reference', reference: { registry: 'localhost:5000', path: 'api', tag: '1' } },
    ],
    ['localhost/api', { kind: 'reference', reference: { registry: 'localhost', path: 'api' } }],
    ['a.b/c', { kind: 'reference', reference: { registry: 'a.b', path: 'c' } }],
    ['[::1]/c', { kind: 'reference', reference: { registry: '[::1]', path: 'c' } }],
    ['@staging', { kind: 'environment', environment: 'staging' }],
    ['@staging/api', { ...image, image: 'api' }],
    ['@staging/api:1.4.2', { ...image, image: 'api', tag: '1.4.2' }],
    [`@staging/frontend/web@sha256:${hex}`, { ...image, image: 'frontend/web', digest }],
    ['oci:./dir', { kind: 'layout', folder: './dir' }],
    ['oci:./dir:1.4.2', { kind: 'layout', folder: './dir', tag: '1.4.2' }],
    [`oci:./dir@sha256:${hex}`, { kind: 'layout', folder: './dir', digest }],
    ['oci:./a:b/c', { kind: 'layout', folder: './a:b/c' }],
    ['oci:./a:b/', { kind: 'layout', folder: './a:b/' }],
    ['oci:./a:b:c', { kind: 'layout', folder: './a:b', tag: 'c' }],
    ['oci:C:\\images\\api', { kind: 'layout', folder: 'C:\\images\\api' }],
    ['oci:C:\\images\\api:1', { kind: 'layout', folder: 'C:\\images\\api', tag: '1' }],
    ['oci:user@host/dir:1', { kind: 'layout', folder: 'user@host/dir', tag: '1' }],
  ])('%s is parsed', (text, argument) => {
    expect(parseArgument(text)).toEqual(argument)
  })

  it.each([
    [
      'oci://ghcr.io/acme/api:1.0.0',
      'Write ghcr.io/acme/api:1.0.0. For an image layout in a folder, write oci:',
    ],
    ['OCI://ghcr.io/acme/api', 'Write ghcr.io/acme/api.'],
    ['docker://docker.io/acme/api', 'Write docker.io/acme/api.'],
    ['https://ghcr.io/acme/api?a=b#c', 'Write ghcr.io/acme/api.'],
    ['http://user:canary@ghcr.io/acme/api', 'Write ghcr.io/acme/api.'],
    ['oci:///images/api', 'Name the registry and the repository'],
    ['oci://', 'Name the registry and the repository'],
    ['oci://./dir', 'write oci:FOLDER'],
  ])('%s is refused, with the reference to write', (text, hint) => {
    expect(() => parseArgument(text)).toThrowError(
      expect.objectContaining({
        code: 'malformed',
        message: expect.not.stringContaining('canary') as unknown,
        hint: expect.stringContaining(hint) as unknown,
      }),
    )
  })

  it.each([
    ['', 'is empty'],
    ['@', 'is not the name of an environment'],
    ['@Staging/api', '"Staging" is not the name of an environment'],
    ['@staging:1.4.2', 'is not the name of an environment'],
    ['@staging/', 'the name of the image is missing'],
    ['@staging/:1', 'the name of the image is missing'],
    ['@staging/API', 'must be lower case'],
    ['@staging/api:', 'is not a tag'],
    ['@staging/api:1:2', 'is not a tag'],
    ['@staging/api@sha256:12', 'is not a digest'],
    ['oci:', 'the folder is missing'],
    ['oci::1', 'the folder is missing'],
    ['oci:./dir:', 'is not a tag'],
    ['oci:./dir:a tag', 'is not a tag'],
    [`oci:${'x'.repeat(5000)}`, 'too long'],
  ])('%s is refused: %s', (text, message) => {
    expect(() => parseArgument(text)).toThrowError(
      expect.objectContaining({ code: 'malformed', message: expect.stringContaining(message) }),
    )
  })
})
