import { describe, expect, it } from 'vitest'
import { formatPackageUrl, parsePackageUrl } from '../../../src/audit/export/package-url.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { bundleRegistry, layoutRegistry, parseReference } from '../../../src/oci/reference.ts'

const digest = digestOf('image')
const version = digest.replace(':', '%3A')

describe('the package URL of an image', () => {
  it.each([
    [
      `registry.example.com/prod/api:1.4.2@${digest}`,
      `pkg:oci/api@${version}?repository_url=registry.example.com%2Fprod%2Fapi&tag=1.4.2`,
    ],
    [
      `docker.io/library/debian@${digest}`,
      `pkg:oci/debian@${version}?repository_url=docker.io%2Flibrary%2Fdebian`,
    ],
    [
      'registry.example.com:5000/a/b.c__d:v1',
      'pkg:oci/b.c__d?repository_url=registry.example.com%3A5000%2Fa%2Fb.c__d&tag=v1',
    ],
    [`[::1]:5000/api@${digest}`, `pkg:oci/api@${version}?repository_url=%5B%3A%3A1%5D%3A5000%2Fapi`],
  ])('%s is %s, and is read back', (text, expected) => {
    const image = parseReference(text)
    expect(formatPackageUrl(image)).toBe(expected)
    expect(parsePackageUrl(expected)).toEqual(image)
  })

  it.each([
    [layoutRegistry, '/srv/Images/API', 'pkg:oci/api'],
    [layoutRegistry, './../', 'pkg:oci/image'],
    [layoutRegistry, '/', 'pkg:oci/image'],
    [layoutRegistry, 'folder/a b\ud800', 'pkg:oci/a%20b%EF%BF%BD'],
    [bundleRegistry, 'docker.io/library/alpine', 'pkg:oci/alpine'],
  ])('of %s%s has no path of this machine: %s', (registry, path, expected) => {
    expect(formatPackageUrl({ registry, path, tag: '1', digest })).toBe(`${expected}@${version}?tag=1`)
  })
})

describe('a package URL of another tool', () => {
  it.each([
    // The examples of types/oci-definition.json, with a whole digest.
    [`pkg:oci/debian@${version}?repository_url=docker.io/library/debian&arch=amd64&tag=latest`],
    [`pkg:oci/debian@${digest}?arch=amd64&repository_url=docker.io%2Flibrary%2Fdebian&tag=latest`],
    [`pkg:OCI/debian@${digest}?TAG=latest&Repository_URL=https://docker.io/library/debian#a/b`],
    [`pkg://oci/debian@${digest}?repository_url=index.docker.io/library/debian&tag=latest`],
  ])('%s names the image', (text) => {
    const expected = { registry: 'docker.io', path: 'library/debian', tag: 'latest', digest }
    expect(parsePackageUrl(text)).toEqual(expected)
  })

  it.each([
    '',
    'pkg:oci/',
    'pkg:npm/api@1?repository_url=r.test/api',
    `pkg:oci/hello-wasm@${version}?tag=v1`,
    'pkg:oci/api?repository_url=../x',
    'pkg:oci/api?repository_url=%ff',
    'pkg:oci/library/api?repository_url',
    'x pkg:oci/api?repository_url=r.test/api',
  ])('"%s" names none', (text) => expect(parsePackageUrl(text)).toBeUndefined())

  it('a tag or digest that is not valid is omitted', () => {
    const image = { registry: 'r.test', path: 'api' }
    expect(parsePackageUrl('pkg:oci/api@1.0?repository_url=r.test/api&tag=a%20b')).toEqual(image)
  })
})
