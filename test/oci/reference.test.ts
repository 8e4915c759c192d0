import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatReference,
  formatRepository,
  parseReference,
  parseRegistry,
  parseRepository,
  parseTag,
  tagOrDigest,
} from '../../src/oci/reference.ts'
import { anyText } from '../support/any-text.ts'
import { outcomeOf } from '../support/error-code.ts'

const f64 = 'f'.repeat(64)
const a255 = 'a'.repeat(255)
const hub = 'docker.io/library'

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/)
const component = fc
  .array(fc.tuple(fc.constantFrom('.', '_', '__', '-', '---'), word), { maxLength: 2 })
  .chain((rest) => word.map((first) => first + rest.flat().join('')))
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((c) => c.join('/'))
const port = fc.constantFrom('', ':5000')
const host = fc.oneof(
  fc.constantFrom('localhost', 'docker.io', 'index.docker.io', '[::1]', '192.168.0.1', 'UPPER'),
  // With a number as its last label, the name would be an IPv4 address.
  fc.stringMatching(/^[a-z0-9]{1,6}\.[a-zA-Z][a-zA-Z0-9]{0,5}$/),
)
const registry = fc.tuple(host, port).map((parts) => parts.join(''))
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)
const digest = fc.stringMatching(/^[a-f0-9]{64}$/).map((h) => `sha256:${h}`)
// Without a registry, the first of several components must not have the form of one.
const names = fc.oneof(
  fc.tuple(registry, path).map((parts) => parts.join('/')),
  component,
  path.map((p) => `team/${p}`),
)
const references = fc
  .tuple(names, fc.option(tag, { nil: '' }), fc.option(digest, { nil: '' }))
  .map(([n, t, d]) => `${n}${t && `:${t}`}${d && `@${d}`}`)

describe('a reference', () => {
  it('is parsed if the grammar generates it, and prints to a text that parses to the same', () => {
    fc.assert(
      fc.property(references, (text) => {
        const parsed = parseReference(text)
        const printed = formatReference(parsed)
        expect(parseReference(printed)).toEqual(parsed)
        expect(formatReference(parseReference(printed))).toBe(printed)
      }),
      { numRuns: 500 },
    )
  })

  it('from any text is parsed or is a DrayError', () => {
    const tokens = fc.constantFrom(
      'a',
      'A',
      '0',
      '.',
      ':',
      '/',
      '@',
      '-',
      '_',
      '__',
      '[',
      ']',
      '::1',
      '%',
      '\n',
      ' ',
      'sha256:',
    )
    const soup = fc
      .array(fc.oneof({ weight: 5, arbitrary: tokens }, { weight: 1, arbitrary: digest }), { maxLength: 12 })
      .map((p) => p.join(''))
    fc.assert(
      fc.property(fc.oneof(soup, anyText()), (text) => {
        const outcome = outcomeOf(() => {
          const parsed = parseReference(text)
          expect(parseReference(formatReference(parsed))).toEqual(parsed)
        })
        expect(outcome).toMatch(/^(fine|malformed|unsupported)$/)
      }),
      { numRuns: 1000 },
    )
  })

  // The names of reference_test.go and normalize_test.go in distribution/reference.
  it.each([
    ['test_com', `${hub}/test_com`],
    ['test.com:tag', `${hub}/test.com:tag`],
    ['test.com:5000', `${hub}/test.com:5000`],
    ['test.com/repo:tag', 'test.com/repo:tag'],
    ['test:5000/repo', 'test:5000/repo'],
    [`test:5000/repo:tag@sha256:${f64}`, `test:5000/repo:tag@sha256:${f64}`],
    ['lowercase:Uppercase', `${hub}/lowercase:Uppercase`],
    ['sub-dom1.foo.com/bar/baz/quux:some-long-tag', 'sub-dom1.foo.com/bar/baz/quux:some-long-tag'],
    ['xn--n3h.com/myimage:xn--n3h.com', 'xn--n3h.com/myimage:xn--n3h.com'],
    ['foo/foo_bar.com:8080', 'docker.io/foo/foo_bar.com:8080'],
    ['192.168.1.1', `${hub}/192.168.1.1`],
    ['192.168.1.1:5000/repo:5050', '192.168.1.1:5000/repo:5050'],
    ['[2001:db8::1]/repo', '[2001:db8::1]/repo'],
    [`[2001:db8::1]:5000/repo@sha256:${f64}`, `[2001:db8::1]:5000/repo@sha256:${f64}`],
    [`example.com/${a255}:tag`, `example.com/${a255}:tag`],
    [`${'a/'.repeat(127)}a:tag-puts-this-over-max`, `docker.io/${'a/'.repeat(127)}a:tag-puts-this-over-max`],
    ['debian', `${hub}/debian`],
    ['docker/docker', 'docker.io/docker/docker'],
    ['docker.io/debian', `${hub}/debian`],
    ['index.docker.io/debian', `${hub}/debian`],
    ['index.docker.io/fooo/bar', 'docker.io/fooo/bar'],
    ['localhost/debian', 'localhost/debian'],
    ['LOCALDOMAIN/debian', 'localdomain:443/debian'],
    ['Docker/docker', 'docker:443/docker'],
    ['docker---rules/dock__er', 'docker.io/docker---rules/dock__er'],
    [`docker.io/${'1a3f5e7d'.repeat(8)}`, `${hub}/${'1a3f5e7d'.repeat(8)}`],
    ['library/ubuntu-12.04-base', `${hub}/ubuntu-12.04-base`],
  ])('%s is %s', (text, whole) => {
    expect(formatReference(parseReference(text))).toBe(whole)
  })

  it.each([
    '',
    ':justtag',
    `@sha256:${f64}`,
    `repo@sha256:${'f'.repeat(34)}`,
    `validname@invaliddigest:${f64}`,
    `repo@sha256:${f64}@sha256:${f64}`,
    `repo@sha256:${f64}:tag`,
    'repo:',
    'repo@',
    'repo:a:b',
    `repo:${'a'.repeat(129)}`,
    'repo:.hidden',
    'Uppercase:tag',
    'test:5000/Uppercase/lowercase:tag',
    `domain/${'a'.repeat(256)}:tag`,
    `${'a'.repeat(256)}:tag`,
    'aa/asdf$$^/aa',
    '[2001:db8::1]',
    '[2001:db8::1]:5000',
    '[2001:db8::1]:tag',
    '[fe80::1%eth0]:5000/repo',
    '[2001:db8:3:4::192.0.2.33]:5000/debian',
    'fc00::1:5000/debian',
    'https://github.com/docker/docker',
    'docker/Docker',
    '-docker',
    '-docker.io/docker/docker',
    'docker///docker',
    'docker/',
    '/docker',
    'docker-/docker',
    '____/____',
    'dock..er/docker',
    'dock_.er/docker',
    'dock-.er/docker',
    '1a3f5e7d'.repeat(8),
    'repo:tag\n',
    'repo\u0000',
    'a/../b',
    'example.com/../b',
    'example.com:/b',
    'user@example.com/b',
    `example.com/b?x=${'1'.repeat(5000)}`,
  ])('%j is refused', (text) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ name: 'DrayError', code: expect.stringMatching(/malformed|unsupported/) }),
    )
  })

  it('is requested by its digest, else by its tag, else by latest', () => {
    const d = `sha256:${f64}`
    expect(tagOrDigest(parseReference(`a:1@${d}`))).toEqual({ digest: d })
    expect(tagOrDigest(parseReference('a:1'))).toEqual({ tag: '1' })
    expect(tagOrDigest(parseReference('a'))).toEqual({ tag: 'latest' })
  })
})

describe('a repository', () => {
  it('prints to a text that parses to the same', () => {
    fc.assert(
      fc.property(registry, path, (r, p) => {
        const name = parseRepository(`${r}/${p}`)
        expect(parseRepository(formatRepository(name))).toEqual(name)
      }),
    )
  })

  it('prints as oci: and its path if it is a layout', () => {
    expect(formatReference({ registry: 'oci:', path: './a/b', tag: '1.4.2' })).toBe('oci:./a/b:1.4.2')
  })

  it.each(['a:1', `a@sha256:${f64}`, 'a b', ''])('is malformed with a tag or a digest: %j', (text) => {
    expect(() => parseRepository(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})

describe('a registry and a tag', () => {
  it('parse to the same text, except for upper case and the old name of Docker Hub', () => {
    fc.assert(
      fc.property(registry, tag, (r, t) => {
        const lower = r.startsWith('UPPER') ? `upper${r.includes(':') ? ':5000' : ':443'}` : r.toLowerCase()
        expect(parseRegistry(r)).toBe(r === 'index.docker.io' ? 'docker.io' : lower)
        expect(parseTag(t)).toBe(t)
      }),
    )
  })

  it('are a DrayError for any other text', () => {
    const wild = anyText().map((text) => `${text} `)
    fc.assert(
      fc.property(wild, (text) => {
        expect(() => parseRegistry(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
        expect(() => parseTag(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
      }),
    )
  })
})
