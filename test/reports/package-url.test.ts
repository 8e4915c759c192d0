import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesPackage, matchesPackageUrl, parsePackageUrl } from '../../src/reports/package-url.ts'

describe('a package URL', () => {
  it.each([
    ['pkg:npm/%40angular/animation@12.3.1', 'npm', '@angular', 'animation', '12.3.1', {}],
    ['pkg:npm/@angular/animation', 'npm', '@angular', 'animation', undefined, {}],
    ['pkg:npm/@angular/animation@1', 'npm', '@angular', 'animation', '1', {}],
    [
      'pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie',
      'deb',
      'debian',
      'curl',
      '7.50.3-1',
      { arch: 'i386', distro: 'jessie' },
    ],
    [
      'pkg://golang/google.golang.org/genproto@abc#googleapis/api',
      'golang',
      'google.golang.org',
      'genproto',
      'abc',
      {},
    ],
    ['PKG:GitHub/Package-URL/Purl-Spec@244FD', 'github', 'package-url', 'purl-spec', '244FD', {}],
    ['pkg:pypi/Django_package@1.11.1', 'pypi', '', 'django-package', '1.11.1', {}],
    ['pkg:cargo/Rand@0.7.2', 'cargo', '', 'Rand', '0.7.2', {}],
    ['pkg:rpm/Fedora/Curl@7', 'rpm', 'fedora', 'Curl', '7', {}],
    ['pkg:oci/debian@sha256%3A244f?tag=latest&empty=', 'oci', '', 'debian', 'sha256:244f', { tag: 'latest' }],
    ['pkg:maven/a//b/c@1?type=jar', 'maven', 'a/b', 'c', '1', { type: 'jar' }],
    ['pkg:generic/a@1?x=b%26c%3Dd', 'generic', '', 'a', '1', { x: 'b&c=d' }],
  ] as const)('%s is parsed', (text, type, namespace, name, version, qualifiers) => {
    const url = parsePackageUrl(text)
    expect({ ...url, qualifiers: Object.fromEntries(url?.qualifiers ?? []) }).toMatchObject({
      type,
      namespace,
      name,
      qualifiers,
    })
    expect(url?.version).toBe(version)
  })

  it.each([
    'EnterpriseLibrary.Common@6.0.1304',
    'pkg:EnterpriseLibrary.Common@6.0.1304',
    'pkg:n&g?inx/nginx@0.8.9',
    'pkg:3nginx/nginx@0.8.9',
    'pkg:npm/',
    'pkg:maven/@1.3.4',
    'pkg:npm/a@%zz',
    'pkg:npm/a?b',
    'pkg:npm/a?b=1&B=2',
    'http://example.com/a',
    '',
  ])('%j is none', (text) => {
    expect(parsePackageUrl(text)).toBeUndefined()
  })

  it('parses or refuses any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const url of [text, `pkg:npm/${text}`, `pkg:${text}`]) {
          const parsed = parsePackageUrl(url)
          expect(parsed === undefined || parsed.name.length > 0).toBe(true)
        }
      }),
    )
  })
})

describe('a package URL matches', () => {
  it.each([
    ['pkg:apk/alpine/libssl3', 'pkg:apk/alpine/libssl3@3.0.1-r0?arch=x86_64', true],
    ['pkg:apk/alpine/libssl3@3.0.1-r0', 'pkg:apk/alpine/libssl3@3.0.1-r0?arch=x86_64', true],
    ['pkg:apk/alpine/libssl3@3.0.1-r0?arch=x86_64', 'pkg:apk/alpine/libssl3@3.0.1-r0?arch=x86_64', true],
    ['pkg:apk/alpine/libssl3@3.0.1-r0?arch=x86_64', 'pkg:apk/alpine/libssl3@3.0.1-r0', false],
    ['pkg:apk/alpine/libssl3@3.0.1-r0?arch=x86_64', 'pkg:apk/alpine/libssl3@3.0.1-r0?arch=arm', false],
    ['pkg:apk/alpine/libssl3@3.0.1-r1', 'pkg:apk/alpine/libssl3@3.0.1-r0', false],
    ['pkg:apk/alpine/libssl', 'pkg:apk/alpine/libssl3@3.0.1-r0', false],
    ['pkg:apk/wolfi/libssl3', 'pkg:apk/alpine/libssl3', false],
    ['pkg:deb/alpine/libssl3', 'pkg:apk/alpine/libssl3', false],
    ['pkg:golang/x/y#sub', 'pkg:golang/x/y', false],
    ['pkg:golang/x/y', 'pkg:golang/x/y#sub', true],
    ['pkg:golang/a/b@v1%2Bincompatible', 'pkg:golang/a/b@v1+incompatible', true],
    ['pkg:cargo/rand', 'pkg:cargo/Rand', false],
    ['libssl3', 'pkg:apk/alpine/libssl3', false],
    ['pkg:apk', 'pkg:apk', false],
  ])('%s, %s: %s', (pattern, purl, expected) => {
    expect(matchesPackageUrl(pattern, purl)).toBe(expected)
  })

  it.each([
    ['openssl', { name: 'openssl' }, true],
    ['openssl', { name: 'openssl3' }, false],
    ['pkg:apk/alpine/openssl', { name: 'openssl' }, false],
    ['pkg:apk/alpine/openssl', { name: 'openssl', purl: 'pkg:apk/alpine/openssl@3' }, true],
    ['PKG:apk/alpine/openssl', { name: 'PKG:apk/alpine/openssl' }, false],
  ])('%s, the package %j: %s', (pattern, one, expected) => {
    expect(matchesPackage(pattern, one)).toBe(expected)
  })
})
